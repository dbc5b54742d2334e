// One subscription as a state machine without I/O: messages of the bridge go in, notices for the application come out.
//
//   unsubscribed   not asked for, refused, or ended by the bridge
//   subscribing    asked for; the first rows, or new ones after a refetch, are not complete yet
//   subscribed     rows are those of the database at `position`
//
// What holds at any time, whatever the connection does:
// - rows are the database's at `position`: both change together, in one step. So when a connection is lost in the middle
//   of a snapshot or of a transaction sent in pieces, what was received of it is dropped and the old position asked again.
// - a position is only used with the `shape` it was reached with.

import { apply, swap } from './rows.js';

export const reasons = Object.freeze({ requested: 0, live: 1, lost: 2, refetch: 3, ended: 4, refused: 5, closed: 6 });

/** @param query {table, where, columns, rows, limit} as given to the bridge */
export function create(query) {
	return {
		query,
		phase: 'unsubscribed',
		rows: new Map(),
		ready: false, // rows have been complete once
		key: null,
		columns: [],
		shape: null,
		position: null,
		sub: null,
		stale: null, // why the position must not be resumed from, else null
		awaiting: false, // the bridge has announced a snapshot
		incoming: null, // rows of a snapshot under way
		pieces: null, // transactions received of a message that is not complete
		behind: false,
	};
}

/** The subscribe message (without type and id) that asks for what is missing. */
export function request(s) {
	const { table, where, columns, rows, limit } = s.query;
	const message = { table };
	if (where !== undefined) {
		message.where = where;
	}
	if (columns !== undefined) {
		message.columns = columns;
	}
	if (rows !== undefined) {
		message.rows = rows;
	}
	if (limit !== undefined) {
		message.limit = limit;
	}
	if (s.position !== null && s.stale === null) {
		message.since = s.position;
		message.shape = s.shape;
	} else {
		message.snapshot = true;
	}
	return message;
}

/** The subscribe message has been sent. */
export function requested(s) {
	forget(s);
	return move(s, 'subscribing', reasons.requested, 'subscribe sent');
}

/** The connection is gone. */
export function lost(s, reason) {
	if (s.phase === 'unsubscribed') {
		return [];
	}
	forget(s);
	return move(s, 'subscribing', reasons.lost, reason);
}

/** The bridge refused or ended the subscription, or the application closed it. */
export function ended(s, code, reason) {
	forget(s);
	return move(s, 'unsubscribed', code, reason);
}

/** One message of the bridge for this subscription; returns notices. */
export function receive(s, message) {
	switch (message.type) {
		case 'subscribed':
			return subscribed(s, message);
		case 'snapshot':
			return snapshot(s, message);
		case 'changes':
			return changes(s, message);
		case 'position':
			return position(s, message);
		case 'refetch':
			return refetch(s, message.reason ?? 'the position is not covered');
		case 'behind':
			s.behind = true;
			return [{ kind: 'behind' }];
		default:
			throw new Error(`not a message for a subscription: "${message.type}"`);
	}
}

// What a lost connection leaves half done.
function forget(s) {
	s.sub = null;
	s.incoming = null;
	s.pieces = null;
	s.awaiting = false;
	s.behind = false;
}

function move(s, to, code, reason, more = {}) {
	const from = s.phase;
	s.phase = to;
	return from === to ? [] : [{ kind: 'state', event: { from, to, code, reason, ...more } }];
}

function subscribed(s, message) {
	s.sub = message.sub;
	s.key = message.key;
	s.columns = message.columns ?? [];
	const resumed = s.position !== null && s.stale === null;
	s.shape = message.shape ?? null;
	// The rows of a snapshot are still to come; after a resume the rows at hand are right for the position asked.
	return resumed ? move(s, 'subscribed', reasons.live, 'resumed', { recovered: true }) : [];
}

function refetch(s, reason) {
	s.stale = reason;
	s.awaiting = true;
	s.incoming = null;
	s.pieces = null;
	return move(s, 'subscribing', reasons.refetch, reason);
}

function snapshot(s, message) {
	s.incoming ??= [];
	for (const row of message.rows) {
		s.incoming.push(row);
	}
	if (!message.last) {
		return [];
	}
	const fresh = s.incoming;
	const reason = s.stale;
	const first = !s.ready;
	const seen = swap(s.rows, s.key, fresh);
	s.incoming = null;
	s.pieces = null;
	s.stale = null;
	s.awaiting = false;
	s.behind = false;
	s.position = message.position;
	s.ready = true;
	const notices = move(s, 'subscribed', reasons.live, first ? 'snapshot complete' : 'refetched', { recovered: first });
	if (!first) {
		notices.push({ kind: 'refetch', reason: reason ?? 'a new snapshot was taken', position: s.position });
	}
	notices.push({ kind: 'rows', first, changes: seen, transactions: [], position: s.position, refetch: !first, coalesced: false });
	return notices;
}

// "more" marks a piece of a transaction that is larger than a frame, at the message or at its last transaction.
function incomplete(message) {
	return message.more === true || message.transactions.at(-1)?.more === true;
}

function changes(s, message) {
	if (s.awaiting || s.incoming !== null || s.position === null) {
		return []; // the snapshot under way stands for these
	}
	if (incomplete(message)) {
		s.pieces = [...(s.pieces ?? []), ...message.transactions];
		return [];
	}
	const transactions = s.pieces === null ? message.transactions : join([...s.pieces, ...message.transactions]);
	s.pieces = null;
	s.position = message.position ?? s.position;
	const coalesced = message.coalesced === true;
	s.behind &&= coalesced;
	return take(s, transactions, coalesced);
}

function take(s, transactions, coalesced) {
	const notices = [];
	const seen = [];
	let gap = false;
	for (const transaction of transactions) {
		const result = apply(s.rows, s.key, transaction, s.query.rows === 'changed');
		gap ||= result.gap;
		if (result.columns !== null) {
			s.columns = result.columns;
			// A refetch follows where rows may differ. Should the connection be lost before it comes, ask for one.
			s.stale = 'the table has changed its shape';
			notices.push({ kind: 'schema', columns: s.columns });
		}
		if (result.seen.changes.length > 0) {
			seen.push(result.seen);
		}
	}
	if (seen.length > 0) {
		const changes = seen.flatMap((transaction) => transaction.changes);
		notices.push({ kind: 'rows', first: false, changes, transactions: seen, position: s.position, refetch: false, coalesced });
	}
	if (gap) {
		s.stale = 'a change could not be applied to the rows at hand';
		notices.push({ kind: 'resync' });
	}
	return notices;
}

// Joins the pieces of each transaction.
function join(transactions) {
	const whole = [];
	for (const transaction of transactions) {
		const last = whole.at(-1);
		if (last !== undefined && last.xid === transaction.xid) {
			last.changes.push(...transaction.changes);
		} else {
			whole.push({ ...transaction, changes: [...transaction.changes] });
		}
	}
	return whole;
}

// Holds for what was live when it was sent; the bridge sends none while a snapshot or a transaction is unfinished.
function position(s, message) {
	if (s.phase === 'subscribed' && !s.awaiting && s.incoming === null && s.pieces === null) {
		s.position = message.position;
	}
	return [];
}

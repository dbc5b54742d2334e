// A bridge in memory, with the faults of a real one at the test's command.
//
//   const clock = new FakeClock(), server = new FakeServer();
//   const db = connect('ws://fake/v1/socket', { WebSocket: server.WebSocket, clock, client: 'c1', random: () => 0.5 });
//   await server.settle();                      delivers everything in both directions until nothing moves
//   server.database.commit((t) => t.insert({ id: 1, grp: 'a', val: 1 }));
//   server.feed();                              the hub distributes what is committed
//
// Messages wait in queues until the test delivers them (session.deliver(), session.take(), or settle() for all), so
// a test decides what is on its way when a connection dies.
//
// How to extend: a new request is a method of FakeSession named on_<type>; it answers with this.send({…}). Knobs that
// change how the server behaves are fields of FakeServer (`frameLimit`, `horizon`, …); read them where they matter.
// Hooks: server.onRequest = (session, message) => true swallows a message; server.received lists all of them.

import { FakeDatabase } from './database.js';
import { settled } from './clock.js';

const COLUMNS = ['id', 'grp', 'val', 'row_version'].map((name) => ({ name, type: name === 'grp' ? 'text' : 'bigint' }));

export class FakeServer {
	database = new FakeDatabase();
	sessions = new Set();
	received = [];
	up = true; // accepts connections
	answersHello = true;
	horizon = 0; // positions below this count are not covered any more
	frameLimit = 1000; // changes per frame; a larger transaction is sent in pieces
	snapshotChunk = 1000;
	heartbeat = 25;
	databaseUp = true;
	features = [];
	maxMessageBytes = undefined;
	holdsWrites = false; // whole writes wait for session.carryOut(), and can be cancelled until then
	time = undefined; // what pongs tell
	fed = 0;
	onRequest = () => false;

	constructor() {
		const server = this;
		/** What the client constructs. */
		this.WebSocket = class FakeSocket {
			constructor(url, protocols) {
				Object.assign(this, { url, protocols, readyState: 0, session: null });
				setImmediate(() => server.#accept(this));
			}

			send(text) {
				if (this.readyState !== 1) {
					throw new Error('the socket is not open');
				}
				this.session?.inbox.push(text);
			}

			close(code = 1005) {
				if (this.readyState >= 2) {
					return;
				}
				this.readyState = 3;
				this.session?.gone();
				this.lateClose = () => this.onclose?.({ code, reason: '' });
				setImmediate(this.lateClose);
			}
		};
	}

	#accept(socket) {
		if (socket.readyState !== 0) {
			return;
		}
		if (!this.up) {
			socket.readyState = 3;
			socket.onclose?.({ code: 1006, reason: '' });
			return;
		}
		socket.readyState = 1;
		socket.session = new FakeSession(this, socket);
		this.sessions.add(socket.session);
		socket.onopen?.();
	}

	/** Distributes commits to all live subscriptions, up to `upto` transactions. */
	feed(upto = this.database.log.length) {
		this.fed = Math.max(this.fed, upto);
		for (const session of this.sessions) {
			session.publish(this.fed);
		}
	}

	/** Sends everybody the position they have all reached. */
	tick() {
		for (const session of this.sessions) {
			if (session.greeted && [...session.subs.values()].every(({ sent }) => sent === this.fed)) {
				session.send({ type: 'position', position: this.database.at(this.fed) });
			}
		}
	}

	/** A restore: the same rows, but no position of before is valid. */
	newEra() {
		this.database.era++;
	}

	crash(code = 1006, goodbye) {
		for (const session of [...this.sessions]) {
			if (goodbye !== undefined) {
				session.send({ type: 'goodbye', reason: 'restart', retry_after_ms: goodbye });
				session.deliver();
			}
			session.drop(code);
		}
	}

	async settle() {
		do {
			await settled();
			await settled();
			for (const session of [...this.sessions]) {
				session.take();
				session.deliver();
			}
			await settled();
		} while ([...this.sessions].some((session) => session.inbox.length + session.outbox.length > 0));
	}
}

export class FakeSession {
	inbox = [];
	outbox = [];
	subs = new Map(); // sub → {ids, where, sent}
	unfinished = new Map(); // id → the pieces of a write so far, as one message
	held = new Map(); // id → a write that is not carried out yet
	greeted = false;

	constructor(server, socket) {
		this.server = server;
		this.socket = socket;
	}

	get database() {
		return this.server.database;
	}

	/** Handles up to `count` messages of the client. */
	take(count = Infinity) {
		for (let n = 0; n < count && this.inbox.length > 0; n++) {
			const text = this.inbox.shift();
			const message = JSON.parse(text);
			this.server.received.push(message);
			if (!this.server.onRequest(this, message, text)) {
				this[`on_${message.type}`](message);
			}
		}
	}

	/** Hands up to `count` messages to the client. */
	deliver(count = Infinity) {
		for (let n = 0; n < count && this.outbox.length > 0; n++) {
			this.socket.onmessage?.({ data: this.outbox.shift() });
		}
	}

	/** The network fails: what is on its way is lost. */
	drop(code = 1006, reason = '') {
		this.gone();
		this.socket.readyState = 3;
		this.socket.onclose?.({ code, reason });
	}

	gone() {
		this.inbox = [];
		this.outbox = [];
		this.server.sessions.delete(this);
	}

	send(message) {
		this.outbox.push(typeof message === 'string' ? message : JSON.stringify(message));
	}

	on_hello({ id, client, actor }) {
		if (this.server.answersHello) {
			this.greeted = true;
			const { heartbeat, database } = this.server;
			this.send({
				type: 'welcome', id, protocol: 1, features: this.server.features, max_message_bytes: this.server.maxMessageBytes, session: 's', client, actor: actor ?? 'anonymous', verified: false,
				heartbeat_seconds: heartbeat, position: database.position, server: 'fake',
			});
		}
	}

	on_ping({ id }) {
		this.send({ type: 'pong', id, time: this.server.time });
	}

	on_subscribe({ id, table, where = {}, since, shape, snapshot }) {
		if (table !== 'public.item') {
			this.send({ type: 'error', id, code: 'unknown_table', message: `table "${table}" does not exist` });
			return;
		}
		if (!this.server.databaseUp) {
			this.send({ type: 'error', id, code: 'unavailable', message: 'the database is not available' });
			return;
		}
		const normal = Object.fromEntries(Object.entries(where).map(([name, value]) => [name, value?.eq ?? value]));
		const ownShape = JSON.stringify(normal);
		const sub = `s${ownShape}`;
		const live = this.subs.get(sub) ?? { ids: new Set(), where: normal, sent: 0 };
		this.subs.set(sub, live);
		live.ids.add(id);
		const told = { type: 'subscribed', id, sub, key: ['id'], columns: COLUMNS, shape: ownShape };
		if (since === undefined) {
			this.send({ ...told, position: this.database.position });
			if (snapshot === false) {
				live.sent = this.database.log.length;
			} else {
				this.snapshot(sub, id);
			}
			return;
		}
		this.send({ ...told, position: since });
		const from = this.database.count(since);
		if (from === null || from < this.server.horizon || shape !== ownShape) {
			this.send({ type: 'refetch', sub, reason: 'position not covered' });
			this.snapshot(sub, id);
			return;
		}
		live.sent = from;
		this.publish(Math.max(from, this.server.fed));
	}

	snapshot(sub, id) {
		const live = this.subs.get(sub);
		live.sent = this.database.log.length;
		const rows = [...this.database.rowsAt(live.sent, live.where).values()];
		const { snapshotChunk } = this.server;
		for (let n = 0; n < rows.length || n === 0; n += snapshotChunk) {
			const last = n + snapshotChunk >= rows.length;
			const position = last ? { position: this.database.at(live.sent) } : {};
			this.send({ type: 'snapshot', sub, id, rows: rows.slice(n, n + snapshotChunk), last, ...position });
		}
	}

	/** Tells one subscription (or all) to start over. */
	refetch(reason, sub) {
		for (const [name, { ids }] of this.subs) {
			if (sub === undefined || sub === name) {
				this.send({ type: 'refetch', sub: name, reason });
				this.snapshot(name, [...ids][0]);
			}
		}
	}

	publish(upto) {
		for (const [sub, live] of this.subs) {
			const transactions = live.sent < upto ? this.database.changes(live.sent, upto, live.where) : [];
			live.sent = Math.max(live.sent, upto);
			if (transactions.length > 0) {
				this.#frames(sub, transactions, this.database.at(upto));
			}
		}
	}

	// One frame for all, but a transaction beyond the limit goes in pieces.
	#frames(sub, transactions, position) {
		const { frameLimit } = this.server;
		if (transactions.every(({ changes }) => changes.length <= frameLimit)) {
			this.send({ type: 'changes', sub, position, transactions });
			return;
		}
		transactions.forEach(({ changes, ...about }, index) => {
			for (let n = 0; n < changes.length; n += frameLimit) {
				const piece = [{ ...about, changes: changes.slice(n, n + frameLimit) }];
				const more = n + frameLimit < changes.length || index < transactions.length - 1;
				this.send({ type: 'changes', sub, ...(more ? { more } : { position }), transactions: piece });
			}
		});
	}

	/** The session was too slow: what was queued for its subscriptions is replaced by the latest state. */
	fallBehind() {
		for (const [sub, live] of this.subs) {
			const upto = this.server.fed;
			if (live.sent < upto) {
				const transactions = this.database.coalesced(live.sent, upto, live.where);
				live.sent = upto;
				this.send({ type: 'behind', sub });
				this.send({ type: 'changes', sub, position: this.database.at(upto), coalesced: true, transactions });
			}
		}
	}

	on_unsubscribe({ id, subscription }) {
		for (const [sub, { ids }] of this.subs) {
			if (ids.delete(subscription) && ids.size === 0) {
				this.subs.delete(sub);
			}
		}
		this.send({ type: 'ok', id });
	}

	on_write({ piece, more, ...message }) {
		const { id } = message;
		if (piece === undefined) {
			this.#whole(message);
			return;
		}
		const before = this.unfinished.get(id);
		if (piece !== (before?.pieces ?? 0)) {
			this.unfinished.delete(id);
			this.send({ type: 'error', id, code: 'bad_request', message: 'a piece is missing' });
			return;
		}
		const write = before ?? { ...message, operations: [] };
		write.operations.push(...message.operations);
		write.pieces = piece + 1;
		this.unfinished.set(id, write);
		this.send({ type: 'received', id, operations: write.operations.length });
		if (!more) {
			this.unfinished.delete(id);
			this.#whole(write);
		}
	}

	#whole(write) {
		this.held.set(write.id, write);
		if (!this.server.holdsWrites) {
			this.carryOut();
		}
	}

	/** Does the writes that are held. */
	carryOut() {
		for (const write of this.held.values()) {
			if (write.pieces > 0) {
				this.send({ type: 'progress', id: write.id, done: write.operations.length, operations: write.operations.length });
			}
			this.#write(write);
		}
		this.held.clear();
	}

	on_cancel({ id, write }) {
		if (this.unfinished.delete(write) || this.held.delete(write)) {
			this.send({ type: 'error', id: write, code: 'cancelled', message: 'the write was cancelled' });
		}
		this.send({ type: 'ok', id });
	}

	#write({ id, mutation, operations }) {
		const { database } = this;
		if (!this.server.databaseUp) {
			this.send({ type: 'error', id, code: 'unavailable', message: 'the database is not available' });
			return;
		}
		if (!database.mutations.has(mutation)) {
			const stale = operations.findIndex(({ op, key, version }) => {
				const row = op === 'insert' ? undefined : database.rows.get(key.id);
				return version !== undefined && row?.row_version !== version;
			});
			if (stale >= 0) {
				const { table, key, version } = operations[stale];
				const current = database.rows.get(key.id)?.row_version ?? null;
				const detail = { table, key, expected: version, current, changed_by: 'bob', changed_at: 'T', columns: ['val'], reason: 'stale' };
				this.send({ type: 'error', id, code: 'LS001', message: 'row has changed', detail, hint: 'Read it again.', operation: stale });
				return;
			}
			const xid = database.commit((t) => {
				for (const { op, key, row, set } of operations) {
					op === 'insert' ? t.insert(row) : op === 'delete' ? t.delete(key.id) : t.update(key.id, set);
				}
			});
			const results = operations.map(({ key, row }) => ({ key: key ?? { id: row.id }, version: 2 }));
			database.mutations.set(mutation, { xid, position: database.position, results });
		}
		this.send({ type: 'written', id, ...database.mutations.get(mutation) });
	}
}

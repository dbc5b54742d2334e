// What an application holds: a query (table, filter, columns) and the live table that it opens.

import { Emitter, report } from './emitter.js';
import { LockstepError } from './errors.js';
import { isKeyObject, keyObject, mapKey } from './key.js';
import { reasons } from './subscription_machine.js';
import { swap } from './rows.js';

/** A table with a filter and a choice of columns. Immutable: where() and columns() return new queries. */
export class Query {
	#open;

	constructor(open, query) {
		this.#open = open;
		this.query = Object.freeze(query);
	}

	/** Only rows for which the filter holds; several filters must all hold. */
	where(filter) {
		if (filter === null || typeof filter !== 'object' || Array.isArray(filter)) {
			throw new TypeError('a filter is an object such as {status: "open"}');
		}
		const before = this.query.where;
		return new Query(this.#open, { ...this.query, where: before === undefined ? filter : { and: [before, filter] } });
	}

	/** Only these columns (and the key, always). */
	columns(names) {
		if (!Array.isArray(names)) {
			throw new TypeError('columns are given as an array of names');
		}
		return new Query(this.#open, { ...this.query, columns: [...names] });
	}

	/**
	 * Starts a live table. Options: `limit`, most rows of the snapshot (more are the error "too_many_rows"); `rows`:
	 * "changed" to receive only the changed columns of updates (they are merged into the row here).
	 */
	live({ limit, rows } = {}) {
		return this.#open({ ...this.query, limit, rows });
	}
}

/** The rows of a query, kept as they are in the database. */
export class LiveTable extends Emitter {
	#subscriptions;
	#subscription = null;
	#error = null;
	#closed = false;
	#waiting = new Set();

	constructor(subscriptions, query, { clock, onError }) {
		super();
		this.#subscriptions = subscriptions;
		this.query = Object.freeze(query);
		this.clock = clock;
		this.onError = onError;
		this.#subscription = subscriptions.attach(query, this.#view());
	}

	get table() {
		return this.query.table;
	}

	/** Map by key: the key's value, or for keys of several columns the JSON array of their values. Do not change it. */
	get rows() {
		return this.#subscription.state.rows;
	}

	/** unsubscribed, subscribing or subscribed. */
	get state() {
		return this.#closed ? 'unsubscribed' : this.#subscription.state.phase;
	}

	/** Names of the key columns; null until the bridge has told them. */
	get key() {
		return this.#subscription.state.key;
	}

	/** [{name, type}] as the bridge told them. */
	get columns() {
		return this.#subscription.state.columns;
	}

	/** Whether `rows` has been complete once (it may be old while the connection is away). */
	get isReady() {
		return this.#subscription.state.ready;
	}

	get position() {
		return this.#subscription.state.position;
	}

	get error() {
		return this.#error;
	}

	/** The row with that key (a value, or an object of the key columns). */
	get(key) {
		return this.rows.get(isKeyObject(key) && this.key !== null ? mapKey(this.key, key) : key);
	}

	/** The rows as an array, in the order of `compare`, else as they came. */
	sorted(compare) {
		const all = [...this.rows.values()];
		return compare === undefined ? all : all.sort(compare);
	}

	/** The key of a row as write operations take it. */
	keyOf(row) {
		return keyObject(this.key, row);
	}

	/**
	 * Resolves with this table when its rows are complete. Rejects with the bridge's error, with "closed", or with
	 * "timeout" after that many milliseconds (none given: waits for as long as it takes).
	 */
	ready(timeout) {
		if (this.#error !== null) {
			return Promise.reject(this.#error);
		}
		if (this.isReady) {
			return Promise.resolve(this);
		}
		return new Promise((resolve, reject) => {
			const waiter = { resolve, reject, timer: undefined };
			if (timeout !== undefined) {
				waiter.timer = this.clock.setTimeout(() => {
					this.#waiting.delete(waiter);
					const message = `the rows of "${this.table}" did not arrive within ${timeout} ms`;
					reject(new LockstepError({ code: 'timeout', message }));
				}, timeout);
			}
			this.#waiting.add(waiter);
		});
	}

	/** Ends the subscription. `rows` stays as it is and is no longer kept up. */
	close() {
		this.#end(new LockstepError({ code: 'closed', message: 'the live table was closed' }), reasons.closed);
	}

	#end(error, code) {
		if (this.#closed) {
			return;
		}
		const from = this.state;
		this.#closed = true;
		this.#error = error;
		// The rows at hand stay, on a copy: others may share the subscription and its Map goes on changing.
		const subscription = this.#subscription;
		this.#subscription = { state: { ...subscription.state, phase: 'unsubscribed', rows: new Map(subscription.state.rows) } };
		this.#subscriptions.detach(subscription, this.#handle);
		this.#settle((waiter) => waiter.reject(error));
		if (from !== 'unsubscribed') {
			this.emit('state', { from, to: 'unsubscribed', code, reason: error.message });
		}
	}

	#settle(how) {
		for (const waiter of this.#waiting) {
			this.clock.clearTimeout(waiter.timer);
			how(waiter);
		}
		this.#waiting.clear();
	}

	#handle = null;

	// What the subscriptions see of a live table.
	#view() {
		this.#handle = {
			notice: (notice) => this.#closed || this.#notice(notice),
			refused: (error) => this.#refused(error),
			moved: (subscription) => this.#moved(subscription),
			closed: (error) => this.#end(error, reasons.closed),
		};
		return this.#handle;
	}

	#notice(notice) {
		switch (notice.kind) {
			case 'state':
				this.emit('state', notice.event);
				break;
			case 'rows':
				this.#announce(notice);
				break;
			case 'refetch':
				this.emit('refetch', { reason: notice.reason, position: notice.position });
				break;
			case 'schema':
				this.emit('schema', { columns: notice.columns });
				break;
			case 'behind':
				this.emit('behind', {});
				break;
			default:
				report(new Error(`unknown notice "${notice.kind}"`));
		}
	}

	#announce({ first, changes, transactions, position, refetch, coalesced }) {
		if (first) {
			this.#settle((waiter) => waiter.resolve(this));
			this.emit('ready', { position, size: this.rows.size });
		} else {
			for (const change of changes) {
				this.emit('change', change);
			}
			for (const transaction of transactions) {
				this.emit('transaction', transaction);
			}
		}
		this.emit('batch', { changes, transactions, position, first, refetch, coalesced });
	}

	#refused(error) {
		this.#error = error;
		const waited = this.#waiting.size > 0;
		this.#settle((waiter) => waiter.reject(error));
		if (this.listenerCount('error') > 0) {
			this.emit('error', error);
		} else if (!waited) {
			this.onError(error);
		}
	}

	#moved(subscription) {
		const before = this.#subscription.state;
		this.#subscription = subscription;
		const { state } = subscription;
		if (!state.ready) {
			return;
		}
		// swap() gives what an onlooker of this table sees. On a copy: others may come from the same old Map.
		const changes = swap(new Map(before.rows), state.key, [...state.rows.values()]);
		const first = !before.ready;
		const common = { changes, transactions: [], position: state.position, coalesced: false };
		this.#announce({ ...common, first, refetch: !first });
	}
}

// The connection as an application sees it: one object that ties connection, subscriptions and writes together and
// says what happens.

import { Connection } from './connection.js';
import { Emitter, report } from './emitter.js';
import { LockstepError, errorFrom } from './errors.js';
import { LiveTable, Query } from './live.js';
import { Outbox } from './outbox.js';
import { Subscriptions } from './subscriptions.js';
import { backoff } from './backoff.js';
import { claimClientId, uuid } from './client_id.js';
import { defaults } from './connection_machine.js';
import { isKeyObject, wireKey } from './key.js';
import { refreshDelay } from './token.js';
import { watchPage } from './page.js';

export class Database extends Emitter {
	#options;
	#timing;
	#connection;
	#subscriptions;
	#outbox;
	#requests = new Map(); // id → {resolve, reject} of small requests, which end with the connection
	#lastId = 0;
	#identity = null; // Promise of {id, release}
	#tokenTimer;
	#stopWatching;
	#closed = false;
	#limits = { pieces: false, maxMessageBytes: Infinity };

	constructor(url, options) {
		super();
		this.#options = options;
		this.#timing = { ...defaults, ...options.timing, random: options.random };
		this.url = url;
		/** The actor's name as the bridge knows it, and whether it has verified it. */
		this.actor = null;
		this.verified = false;
		/** This session's client id, once known. */
		this.client = options.client ?? null;
		/** What the bridge says about its own connection: "connected" or "reconnecting". */
		this.database = 'connected';
		this.features = [];
		this.server = null;
		const link = {
			send: (message) => this.#connection.send(message),
			nextId: () => ++this.#lastId,
			clock: options.clock,
			limits: () => this.#limits,
			backoff: (attempt, floor) =>
				backoff(attempt, { floor, base: floor * 2, max: this.#timing.backoffMax, random: options.random }),
		};
		this.#subscriptions = new Subscriptions(link);
		this.#outbox = new Outbox(link);
		this.#connection = new Connection(
			{
				url,
				WebSocket: options.WebSocket,
				clock: options.clock,
				options: this.#timing,
				greet: (fresh) => this.#greet(fresh),
				nextId: link.nextId,
				canRefresh: options.getToken !== undefined,
			},
			{
				message: (message) => this.#receive(message),
				state: (event) => this.#changed(event),
				welcome: (message) => this.#welcomed(message),
				retry: ({ attempt, delay, code, reason }) => this.emit('retry', { attempt, delay, code, reason }),
				error: (error) => this.#complain(error),
			},
		);
		this.#stopWatching = watchPage(options.page, (event) => this.#connection.dispatch(event));
		this.#connection.dispatch({ type: 'start' });
	}

	/** disconnected, connecting, connected, or offline: several attempts have failed, and it keeps trying. */
	get state() {
		return this.#connection.state;
	}

	/** Number of writes that the bridge has not answered. */
	get unanswered() {
		return this.#outbox.size;
	}

	/** A query on a table, named as SQL names it: "public.orders". */
	table(name) {
		if (typeof name !== 'string' || name === '') {
			throw new TypeError('a table is given by its name, such as "public.orders"');
		}
		return new Query((query) => this.#open(query), { table: name });
	}

	/** Inserts one row; resolves with {key, version, xid, position}. */
	insert(table, row, options = {}) {
		return this.#one({ op: 'insert', table, row }, options);
	}

	/** Sets columns of the row with that key. With `version`, only if that is still the row's version. */
	update(table, key, set, options = {}) {
		return this.#one({ op: 'update', table, key, set }, options);
	}

	/** Deletes the row with that key. With `version`, only if that is still the row's version. */
	delete(table, key, options = {}) {
		return this.#one({ op: 'delete', table, key }, options);
	}

	/**
	 * Does all operations in one transaction, or none. Resolves with {xid, position, results: [{key, version}, …]}. A large
	 * write travels in pieces; `onProgress` hears how far it is, and `signal` can give it up until it is committed.
	 */
	async write(operations, { reason, mutation, ...options } = {}) {
		if (this.#closed) {
			throw closedError();
		}
		const message = { mutation: mutation ?? this.#options.newId(), operations: await this.#wireOperations(operations) };
		if (reason !== undefined) {
			message.reason = reason;
		}
		if (this.#closed) {
			throw closedError(); // while the key was looked up
		}
		const { xid, position, results } = await this.#outbox.add(message, options);
		return { xid, position, results };
	}

	/**
	 * Tries at once: connects when there is no connection (instead of waiting for the next attempt), checks it when
	 * there is one. Resolves when the connection stands; rejects with "disconnected" when that attempt failed.
	 */
	refresh() {
		if (this.#closed) {
			return Promise.reject(closedError());
		}
		return new Promise((resolve, reject) => {
			const settle = (how, value) => {
				removers.forEach((remove) => remove());
				how(value);
			};
			const removers = [
				this.on('state', ({ to, reason }) => to === 'disconnected' && settle(reject, disconnectedError(reason))),
				this.on('retry', ({ reason }) => settle(reject, disconnectedError(reason))),
				this.on('up', () => settle(resolve)),
			];
			this.#connection.dispatch({ type: 'refresh' });
		});
	}

	/**
	 * Compares the bridge's clock with this one: {offset, roundTrip} in milliseconds, where offset is to be added to this
	 * clock's time to get the bridge's. Takes the quickest of a few round trips; the error is at most half of that one.
	 * Rejects with "disconnected", or with "unavailable" where the bridge does not tell its time.
	 */
	async measureClock({ samples = 4 } = {}) {
		let best = null;
		for (let n = 0; n < samples; n++) {
			const sent = this.#options.clock.now();
			const { time } = await this.#request({ type: 'ping', id: ++this.#lastId });
			const heard = this.#options.clock.now();
			if (time === undefined) {
				throw new LockstepError({ code: 'unavailable', message: 'the bridge does not tell its time' });
			}
			if (best === null || heard - sent < best.roundTrip) {
				best = { offset: Date.parse(time) - (sent + heard) / 2, roundTrip: heard - sent };
			}
		}
		return best;
	}

	/** Ends everything for good. Writes without an answer reject with "closed": they may have been done or not. */
	close() {
		if (this.#closed) {
			return;
		}
		this.#closed = true;
		const error = closedError();
		this.#subscriptions.close(error);
		this.#connection.dispatch({ type: 'stop' });
		this.#outbox.close(error);
		this.#stopWatching();
		this.#options.clock.clearTimeout(this.#tokenTimer);
		this.#identity?.then(({ release }) => release());
	}

	#open(query) {
		if (this.#closed) {
			throw closedError();
		}
		return new LiveTable(this.#subscriptions, query, {
			clock: this.#options.clock,
			onError: (error) => this.#complain(error),
		});
	}

	async #one(operation, { version, token, ...options }) {
		if (version !== undefined) {
			operation.version = version;
		}
		if (token !== undefined) {
			operation.token = token;
		}
		const { xid, position, results } = await this.write([operation], options);
		return { ...results[0], xid, position };
	}

	async #wireOperations(operations) {
		if (!Array.isArray(operations) || operations.length === 0) {
			throw new LockstepError({ code: 'usage', message: 'a write needs at least one operation' });
		}
		const wired = [];
		for (const operation of operations) {
			if (operation.op === 'insert' || isKeyObject(operation.key)) {
				wired.push(operation);
				continue;
			}
			const { table, key } = operation;
			const columns = this.#subscriptions.keyOf(table) ?? (await this.#describe(table));
			wired.push({ ...operation, key: wireKey(columns, key, table) });
		}
		return wired;
	}

	// The key columns of a table without a live table here: asked for with a subscription that is left at once.
	async #describe(table) {
		const id = ++this.#lastId;
		const { key } = await this.#request({ type: 'subscribe', id, table, snapshot: false }, () => unknownKeyError(table));
		this.#connection.send({ type: 'unsubscribe', id: ++this.#lastId, subscription: id });
		this.#subscriptions.learn(table, key);
		return key;
	}

	#request(message, unsent = () => disconnectedError('the request was not sent')) {
		return new Promise((resolve, reject) => {
			this.#requests.set(message.id, { resolve, reject });
			if (!this.#connection.send(message)) {
				this.#requests.delete(message.id);
				reject(unsent());
			}
		});
	}

	async #greet(fresh) {
		const hello = { type: 'hello', id: ++this.#lastId };
		const { getToken, actor, client } = this.#options;
		if (getToken !== undefined) {
			hello.token = await getToken({ refresh: fresh });
			this.#armToken(hello.token);
		}
		if (actor !== undefined) {
			hello.actor = actor;
		}
		if (client === undefined) {
			this.#identity ??= this.#options.claimClient();
			hello.client = (await this.#identity).id;
		} else {
			hello.client = client;
		}
		return hello;
	}

	#armToken(token) {
		const { clock } = this.#options;
		clock.clearTimeout(this.#tokenTimer);
		const delay = refreshDelay(token, clock.now());
		if (delay !== null) {
			this.#tokenTimer = clock.setTimeout(() => this.#refreshToken(), delay);
		}
	}

	async #refreshToken() {
		if (!this.#connection.open) {
			return; // the next hello asks for one anyway
		}
		try {
			const hello = await this.#greet(true);
			await this.#request(hello);
		} catch (error) {
			this.#complain(error); // the old token serves until the bridge ends the connection
		}
	}

	#welcomed({ actor, verified, client, features, server, max_message_bytes: maxMessageBytes }) {
		this.actor = actor ?? null;
		this.verified = verified === true;
		this.client = client ?? this.client;
		this.features = features ?? [];
		this.server = server ?? null;
		this.#limits = { pieces: this.features.includes('write_pieces'), maxMessageBytes: maxMessageBytes ?? Infinity };
		this.database = 'connected';
	}

	#changed(event) {
		if (event.to === 'connected') {
			this.#subscriptions.connected();
			this.#outbox.connected();
		} else if (event.from === 'connected') {
			this.#outbox.disconnected();
			this.#subscriptions.disconnected(event.reason);
			const error = disconnectedError(event.reason);
			const requests = [...this.#requests.values()];
			this.#requests.clear();
			requests.forEach(({ reject }) => reject(error));
		}
		this.emit('state', event);
		if (event.to === 'connected') {
			this.emit('up', {});
		}
	}

	#receive(message) {
		const request = this.#requests.get(message.id);
		if (request !== undefined) {
			this.#requests.delete(message.id);
			if (message.type === 'error') {
				request.reject(errorFrom(message));
			} else {
				request.resolve(message);
			}
			return;
		}
		switch (message.type) {
			case 'status':
				this.#status(message);
				return;
			case 'conflict':
				this.emit('conflict', message);
				return;
			case 'pong':
				this.emit('up', {});
				return;
			case 'written':
			case 'received':
			case 'progress':
				this.#outbox.receive(message);
				return;
			default:
				break;
		}
		if (this.#subscriptions.receive(message)) {
			return;
		}
		if (message.type !== 'error') {
			this.emit('message', message); // of a later protocol, or a feature that this library does not wrap
		} else if (!this.#outbox.receive(message)) {
			this.#complain(errorFrom(message));
		}
	}

	#status({ database }) {
		this.database = database;
		if (database === 'connected') {
			this.#subscriptions.databaseBack();
			this.#outbox.databaseBack();
		}
		this.emit('status', { database });
	}

	// Errors that no promise carries. Nobody listening is no reason to lose one.
	#complain(error) {
		if (this.listenerCount('error') > 0) {
			this.emit('error', error);
		} else {
			report(error);
		}
	}
}

function closedError() {
	return new LockstepError({ code: 'closed', message: 'the connection was closed by the application' });
}

function unknownKeyError(table) {
	return new LockstepError({
		code: 'disconnected',
		message: `the key columns of "${table}" are not known while there is no connection`,
		hint: 'Pass the key as an object, such as {id: 42}, or open a live table first.',
	});
}

function disconnectedError(reason) {
	return new LockstepError({ code: 'disconnected', message: `there is no connection: ${reason}` });
}

/** The options of connect() with everything that a browser, or Node, has to offer filled in. */
export function withDefaults(options) {
	const world = globalThis;
	const clock = options.clock ?? {
		now: () => Date.now(),
		setTimeout: (callback, delay) => world.setTimeout(callback, delay),
		clearTimeout: (handle) => world.clearTimeout(handle),
	};
	const newId = options.newId ?? (() => uuid());
	return {
		...options,
		clock,
		newId,
		random: options.random ?? Math.random,
		WebSocket: options.WebSocket ?? world.WebSocket,
		page: options.page ?? { document: world.document, window: world.window },
		claimClient:
			options.claimClient ??
			(() =>
				claimClientId({
					storage: storageOf(world),
					locks: world.document === undefined ? undefined : world.navigator?.locks,
					BroadcastChannel: world.document === undefined ? undefined : world.BroadcastChannel,
					clock,
					newId,
				})),
	};
}

// Reading the property alone throws where storage is blocked.
function storageOf(world) {
	try {
		return world.document === undefined ? undefined : world.sessionStorage;
	} catch {
		return undefined;
	}
}

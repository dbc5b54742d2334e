// Writes on their way. Each has a mutation id; until the bridge has answered, it is sent again after every reconnection
// under the same id, and the bridge, which stores the id in the write's own transaction, does it once.

import { errorFrom, LockstepError } from './errors.js';

const RETRY_FLOOR = 1_000;
// The bridge could not tell (its database went away) or would not now: the same mutation may be sent again.
const AGAIN = new Set(['unavailable', 'rate_limited']);

export class Outbox {
	#pending = new Map(); // mutation → {message, resolve, reject, timer, retry, failures}
	#byId = new Map(); // id of a write request on this connection → mutation

	/** @param link {send, nextId, clock, backoff} */
	constructor(link) {
		this.link = link;
	}

	/** Number of writes that have not been answered. */
	get size() {
		return this.#pending.size;
	}

	/** Sends a write, now or when there is a connection; resolves with the `written` message. */
	add(message, timeout) {
		return new Promise((resolve, reject) => {
			if (this.#pending.has(message.mutation)) {
				const text = `mutation "${message.mutation}" is on its way already`;
				reject(new LockstepError({ code: 'usage', message: text, hint: 'Each write needs an id of its own.' }));
				return;
			}
			const entry = { message, resolve, reject, failures: 0 };
			this.#pending.set(message.mutation, entry);
			if (timeout !== undefined) {
				entry.timer = this.link.clock.setTimeout(() => this.#giveUp(entry, timeout), timeout);
			}
			this.#send(entry);
		});
	}

	connected() {
		this.#byId.clear();
		for (const entry of this.#pending.values()) {
			this.#send(entry);
		}
	}

	disconnected() {
		this.#byId.clear();
		for (const entry of this.#pending.values()) {
			this.link.clock.clearTimeout(entry.retry);
		}
	}

	databaseBack() {
		for (const entry of this.#pending.values()) {
			if (entry.retry !== undefined) {
				this.#send(entry);
			}
		}
	}

	/** Takes an answer; false when it is not one of ours. */
	receive(message) {
		const entry = this.#pending.get(this.#byId.get(message.id));
		if (entry === undefined) {
			return false;
		}
		this.#byId.delete(message.id);
		if (message.type === 'error' && AGAIN.has(message.code)) {
			const delay = this.link.backoff(entry.failures++, RETRY_FLOOR);
			entry.retry = this.link.clock.setTimeout(() => this.#send(entry), delay);
		} else if (message.type === 'error') {
			this.#finish(entry);
			entry.reject(errorFrom(message));
		} else {
			this.#finish(entry);
			entry.resolve(message);
		}
		return true;
	}

	close(error) {
		for (const entry of [...this.#pending.values()]) {
			this.#finish(entry);
			entry.reject(error);
		}
	}

	#send(entry) {
		this.link.clock.clearTimeout(entry.retry);
		entry.retry = undefined;
		const id = this.link.nextId();
		this.#byId.set(id, entry.message.mutation); // before sending: a fake socket may answer at once
		if (!this.link.send({ type: 'write', id, ...entry.message })) {
			this.#byId.delete(id);
		}
	}

	#finish(entry) {
		this.link.clock.clearTimeout(entry.timer);
		this.link.clock.clearTimeout(entry.retry);
		this.#pending.delete(entry.message.mutation);
	}

	#giveUp(entry, timeout) {
		this.#finish(entry);
		entry.reject(
			new LockstepError({
				code: 'timeout',
				message: `the write was not answered within ${timeout} ms`,
				detail: { mutation: entry.message.mutation },
				hint: 'It may have been done all the same. Writing again with this mutation id does it at most once.',
			}),
		);
	}
}

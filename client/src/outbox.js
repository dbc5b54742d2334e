// Writes on their way. Each has a mutation id; until the bridge has answered, it is sent again after every reconnection
// under the same id, and the bridge, which stores the id in the write's own transaction, does it once.

import { errorFrom, LockstepError } from './errors.js';
import { report } from './emitter.js';
import { stringify } from './exact.js';
import { Upload } from './upload.js';

const RETRY_FLOOR = 1_000;
// The bridge could not tell (its database went away) or would not now: the same mutation may be sent again.
const AGAIN = new Set(['unavailable', 'rate_limited']);

export class Outbox {
	#pending = new Map(); // mutation → {operations, about, resolve, reject, timer, retry, failures, upload, uncertain, …}
	#byId = new Map(); // id of a write request on this connection → its entry
	#over = new Set(); // ids whose write was answered while pieces of it were under way

	/** @param link {send(text), nextId, clock, backoff, limits() → {pieces, maxMessageBytes}} */
	constructor(link) {
		this.link = link;
	}

	/** Number of writes that have not been answered. */
	get size() {
		return this.#pending.size;
	}

	/**
	 * Sends a write, now or when there is a connection; resolves with the `written` message.
	 * `message`: mutation, operations and reason. `onProgress` hears {phase: "sending" | "writing", done, total}.
	 */
	add({ operations, ...about }, { timeout, signal, onProgress } = {}) {
		const { mutation } = about;
		return new Promise((resolve, reject) => {
			if (signal?.aborted) {
				reject(cancelledError());
				return;
			}
			if (this.#pending.has(mutation)) {
				const text = `mutation "${mutation}" is on its way already`;
				reject(new LockstepError({ code: 'usage', message: text, hint: 'Each write needs an id of its own.' }));
				return;
			}
			const entry = { operations, about, resolve, reject, onProgress, failures: 0, upload: null, uncertain: false, cancelled: false };
			this.#pending.set(mutation, entry);
			if (timeout !== undefined) {
				entry.timer = this.link.clock.setTimeout(() => this.#giveUp(entry, timeout), timeout);
			}
			if (signal !== undefined) {
				const cancel = () => this.#cancel(entry);
				signal.addEventListener('abort', cancel, { once: true });
				entry.unlisten = () => signal.removeEventListener('abort', cancel);
			}
			this.#send(entry);
		});
	}

	connected() {
		this.#byId.clear();
		this.#over.clear();
		for (const entry of this.#pending.values()) {
			this.#send(entry);
		}
	}

	disconnected() {
		this.#byId.clear();
		for (const entry of this.#pending.values()) {
			this.link.clock.clearTimeout(entry.retry);
			entry.uncertain ||= entry.upload?.sent === true;
			entry.upload = null;
			if (entry.cancelled && !entry.uncertain) {
				this.#finish(entry);
				entry.reject(cancelledError());
			}
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
		const entry = this.#byId.get(message.id);
		if (entry === undefined) {
			return this.#over.has(message.id);
		}
		switch (message.type) {
			case 'received':
				this.#progress(entry, 'sending', message.operations);
				// None: the application has closed the connection on hearing that.
				if (entry.upload !== null && (!entry.cancelled || entry.uncertain)) {
					this.#attempt(entry, () => entry.upload.received());
				}
				return true;
			case 'progress':
				this.#progress(entry, 'writing', message.done);
				return true;
			default:
				break;
		}
		this.#byId.delete(message.id);
		if (message.type !== 'error') {
			this.#finish(entry);
			entry.resolve(message);
			return true;
		}
		this.#over.add(message.id);
		if (AGAIN.has(message.code)) {
			entry.uncertain ||= entry.upload.sent;
			entry.upload = null;
			const delay = this.link.backoff(entry.failures++, RETRY_FLOOR);
			entry.retry = this.link.clock.setTimeout(() => this.#send(entry), delay);
		} else {
			this.#finish(entry);
			entry.reject(errorFrom(message));
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
		entry.asked = false;
		this.#byId.set(id, entry); // before sending: a fake socket may answer at once
		entry.upload = new Upload(id, entry.operations, entry.about, this.link.limits(), (text) => this.link.send(text));
		this.#attempt(entry, () => entry.upload.go());
	}

	#attempt(entry, work) {
		try {
			work();
		} catch (error) {
			this.#leave(entry);
			this.#finish(entry);
			entry.reject(error);
			return;
		}
		if (entry.cancelled && entry.upload?.sent && !entry.asked) {
			this.#askToCancel(entry);
		}
	}

	// Only the bridge knows whether it is too late. Without it, what was never sent whole cannot have been done; what was
	// may have been, which the bridge can tell only when it has all of it again: then it is cancelled there.
	#cancel(entry) {
		entry.cancelled = true;
		if (entry.uncertain && !entry.upload?.sent) {
			return;
		}
		if (!this.#askToCancel(entry) && !entry.uncertain) {
			this.#finish(entry);
			entry.reject(cancelledError());
		}
	}

	#askToCancel(entry) {
		const { upload } = entry;
		entry.asked = upload !== null && this.link.send(stringify({ type: 'cancel', id: this.link.nextId(), write: upload.id }));
		return entry.asked;
	}

	// Nobody waits for the answer any more: what is not sent yet is not sent, and the bridge forgets what it has of it.
	#leave(entry) {
		if (entry.upload !== null && this.#byId.delete(entry.upload.id)) {
			this.#over.add(entry.upload.id);
			if (!entry.upload.sent) {
				this.#askToCancel(entry);
			}
		}
	}

	#progress(entry, phase, done) {
		try {
			entry.onProgress?.({ phase, done, total: entry.upload.total });
		} catch (error) {
			report(error);
		}
	}

	#finish(entry) {
		this.link.clock.clearTimeout(entry.timer);
		this.link.clock.clearTimeout(entry.retry);
		entry.unlisten?.();
		this.#pending.delete(entry.about.mutation);
	}

	#giveUp(entry, timeout) {
		this.#leave(entry);
		this.#finish(entry);
		entry.reject(
			new LockstepError({
				code: 'timeout',
				message: `the write was not answered within ${timeout} ms`,
				detail: { mutation: entry.about.mutation },
				hint: 'It may have been done all the same. Writing again with this mutation id does it at most once.',
			}),
		);
	}
}

function cancelledError() {
	return new LockstepError({ code: 'cancelled', message: 'the write was cancelled', hint: 'Nothing of it was written.' });
}

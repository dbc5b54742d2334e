// What a call of this library rejects with. `code` is what a program branches on: an SQLSTATE from the database
// ("LS001", "23505", …), a word from the bridge ("forbidden", "unknown_table", …), or one of our own: "closed",
// "timeout", "disconnected", "usage".

import { parse } from './exact.js';

export class LockstepError extends Error {
	/** @param {{code: string, message: string, detail?: any, hint?: string, operation?: number}} fields */
	constructor({ code, message, detail, hint, operation }) {
		super(message);
		this.name = new.target.name;
		this.code = code;
		this.detail = detail;
		this.hint = hint;
		this.operation = operation;
	}
}

/** LS001: the write was based on a version of the row that is no longer current. Nothing was written. */
export class ConflictError extends LockstepError {
	constructor(fields) {
		super(fields);
		const story = asObject(fields.detail);
		this.table = story.table;
		this.key = story.key;
		this.expected = story.expected;
		this.current = story.current;
		this.changedBy = story.changed_by ?? null;
		this.changedAt = story.changed_at ?? null;
		this.columns = story.columns ?? [];
		this.reason = story.reason;
	}
}

/** 55P03: someone else holds the record's lock. Nothing was written. */
export class LockedError extends LockstepError {
	constructor(fields) {
		super(fields);
		const story = asObject(fields.detail);
		this.table = story.table;
		this.key = story.key;
		this.holder = story.holder ?? null;
		this.client = story.client ?? null;
		this.mode = story.mode;
		this.since = story.since ?? null;
		this.until = story.until ?? null;
		this.note = story.note ?? null;
	}
}

/** The bridge wants a (better) token. Ends reconnecting; call db.refresh() after the person has signed in again. */
export class UnauthorizedError extends LockstepError {}

const CLASSES = { LS001: ConflictError, '55P03': LockedError, unauthorized: UnauthorizedError };

/** The error that an `error` message of the bridge stands for. */
export function errorFrom(message) {
	const Class = Object.hasOwn(CLASSES, message.code) ? CLASSES[message.code] : LockstepError;
	return new Class(message);
}

// PostgreSQL's own DETAIL is prose, lockstep's is a JSON object; a proxy between may have left it as text.
function asObject(detail) {
	if (typeof detail === 'string' && detail.startsWith('{')) {
		try {
			return parse(detail);
		} catch {
			return {}; // prose that begins with a brace; `detail` itself still carries it
		}
	}
	return detail !== null && typeof detail === 'object' ? detail : {};
}

// What this page has saved and the database has not confirmed yet, record by record. A save is shown at once, marked as
// not yet written; without a connection it waits here, and is sent when there is one.

import { TABLE, shown, fieldNamed } from './fields.js';
import { rowAtVersion } from './records.js';

export class Writes {
	#db;
	#records;
	#waiting = new Map(); // record id, or a symbol for a new record → {set, op, label}
	#listeners = new Set();

	constructor(db, records) {
		this.#db = db;
		this.#records = records;
	}

	/** Calls `listener(id)` whenever what waits for a record has changed. */
	onChange(listener) {
		this.#listeners.add(listener);
	}

	/** How many saves are not confirmed. */
	get size() {
		return this.#waiting.size;
	}

	/** What a list of them says. */
	labels() {
		return [...this.#waiting.values()].map(({ label }) => label);
	}

	/** {op, set} of a record's save that is not confirmed, or undefined. */
	of(id) {
		return this.#waiting.get(id);
	}

	/** Sets columns of a record, on that version of it. Resolves with the row as it is then. Rejects as db.update does. */
	update(row, set, { reason } = {}) {
		const fields = Object.keys(set).map((name) => `${fieldNamed(name).label.toLowerCase()} ${shown(fieldNamed(name), set[name]) || 'nothing'}`);
		return this.#keep(row.id, { op: 'update', set, label: `${row.reference}: ${fields.join(', ')}` }, async () => {
			const { key, version } = await this.#db.update(TABLE, { id: row.id }, set, { version: row.row_version, reason });
			return { row: await rowAtVersion(this.#records, key.id, version), version, id: key.id };
		});
	}

	delete(row) {
		return this.#keep(row.id, { op: 'delete', set: {}, label: `${row.reference}: delete` }, async () => {
			await this.#db.delete(TABLE, { id: row.id }, { version: row.row_version });
			return rowAtVersion(this.#records, row.id, null);
		});
	}

	insert(set) {
		return this.#keep(Symbol('new'), { op: 'insert', set, label: `${set.reference}: new record` }, async () => {
			const { key, version } = await this.#db.insert(TABLE, set);
			return { row: await rowAtVersion(this.#records, key.id, version), version, id: key.id };
		});
	}

	async #keep(id, entry, work) {
		if (this.#waiting.has(id)) {
			throw new Error('the record is being saved already');
		}
		this.#waiting.set(id, entry);
		this.#tell(id);
		try {
			return await work();
		} finally {
			this.#waiting.delete(id);
			this.#tell(id);
		}
	}

	#tell(id) {
		this.#listeners.forEach((listener) => listener(id));
	}
}

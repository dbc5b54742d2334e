// "Done" in one action, from the list; and taking it back, which is a write like any other: on the version that was
// seen, so that nobody's change in between is lost.

import { ConflictError } from '/client/lockstep.js';
import { explain } from './problems.js';
import { settleConflict } from './conflict.js';
import { toast } from './toast.js';

export class DoneAction {
	#records;
	#writes;

	constructor(records, writes) {
		this.#records = records;
		this.#writes = writes;
	}

	/** Marks a record as done, or opens it again. */
	async toggle(row) {
		await this.#set(row, row.status === 'done' ? 'open' : 'done', true);
	}

	async #set(row, status, offerUndo) {
		if (this.#writes.of(row.id) !== undefined) {
			toast(`${row.reference} is still being saved.`);
			return;
		}
		try {
			const { row: saved } = await this.#writes.update(row, { status });
			const undo = saved === undefined ? null : () => void this.#set(saved, row.status, false);
			toast(`${row.reference} is ${status === 'done' ? 'done' : `${status} again`}.`, { undo: offerUndo ? undo : null });
		} catch (error) {
			if (error instanceof ConflictError) {
				await this.#settle(row, status, error);
			} else {
				toast(`${row.reference} was not changed. ${explain(error).text}`, { kind: 'problem' });
			}
		}
	}

	async #settle(base, status, conflict) {
		const choice = await settleConflict({ records: this.#records, base, set: { status }, conflict });
		if (choice.action === 'apply') {
			await this.#set(choice.row, choice.set.status, true);
		}
	}
}

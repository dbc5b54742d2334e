// The part of the list that is on the screen. No DOM in here. The rule that keeps it calm:
//
//   While nobody's hand is on the list it follows: a page shows what is there now. The first page begins at the top of
//   the list; any other begins at the place where its first record stood when the page was turned to, wherever that
//   is by now, so that records which come and go before it do not push it along.
//   While it is held (pointer or keyboard were used on it a moment ago, a record is open) no row moves, comes or goes. Values
//   change in place; a record that is deleted, or does not belong here any more, keeps its row and is marked. What
//   waits is told, and shown when the person asks for it, or lets go.
//   Search, filter, order and page are the person's: nothing else changes them.

export const PAGE_SIZE = 40;

export class Page {
	#index;
	#place = null; // where the page begins; null: at the top of the list
	#ids = [];
	#from = 0;

	constructor(index) {
		this.#index = index;
	}

	/** Ids of the rows on the screen, in order. */
	get ids() {
		return this.#ids;
	}

	/** Number of records before the first row. */
	get from() {
		return this.#from;
	}

	get isFirst() {
		return this.#from === 0;
	}

	get isLast() {
		return this.#from + PAGE_SIZE >= this.#index.length;
	}

	/** Turns to the page that begins after `from` records. */
	turnTo(from) {
		const last = Math.max(0, Math.ceil(this.#index.length / PAGE_SIZE) - 1) * PAGE_SIZE;
		const start = Math.max(0, from < this.#index.length ? from : last);
		this.#place = start === 0 ? null : this.#index.placeAt(start);
		this.update();
	}

	next() {
		if (!this.isLast) {
			this.turnTo(this.#from + PAGE_SIZE);
		}
	}

	previous() {
		this.turnTo(Math.max(0, this.#from - PAGE_SIZE));
	}

	/** Shows what is there now. */
	update() {
		this.#from = this.#start();
		this.#ids = this.#index.slice(this.#from, this.#from + PAGE_SIZE);
	}

	/** What update() would do: {come: records that are not on the screen, go: rows that do not belong in the list any more, moved}. */
	waiting() {
		const from = this.#start();
		const fresh = this.#index.slice(from, from + PAGE_SIZE);
		const shown = new Set(this.#ids);
		const come = fresh.filter((id) => !shown.has(id)).length;
		const go = this.#ids.filter((id) => !this.#index.lists(id)).length;
		const kept = new Set(fresh);
		const before = this.#ids.filter((id) => kept.has(id));
		const after = fresh.filter((id) => shown.has(id));
		return { come, go, moved: before.some((id, n) => id !== after[n]) };
	}

	// The place may be behind everything by now, or too little may be left there to be worth a page.
	#start() {
		if (this.#place === null) {
			return 0;
		}
		const start = this.#index.indexOf(this.#place);
		if (start < this.#index.length) {
			return start;
		}
		return Math.max(0, Math.ceil(this.#index.length / PAGE_SIZE) - 1) * PAGE_SIZE;
	}
}

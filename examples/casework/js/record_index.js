// The records in the order that the person chose: kept up to date change by change, and built anew in slices that leave
// the page time to breathe. No DOM in here.

import { FIELDS, STATUSES, edited, fieldNamed, sortKey } from './fields.js';

const RUN = 4096; // entries sorted, or merged, between two looks at the clock
const LOOK = 512; // records looked at between two; a search that sees them for the first time takes long
const CATCH = 256; // records that changed during a build, taken in between two
const MANY = 2000; // changes at once from which building anew is quicker than inserting one by one

export const noView = Object.freeze({ status: 'all', search: '', sort: 'reference', descending: false });

export class RecordIndex {
	#rows;
	#view = noView;
	#words = [];
	#entries = new Map(); // id → {id, row, key, found: the search finds it, listed: the filter lets it through too}
	#order = []; // the listed entries, sorted
	#counts = emptyCounts();
	#job = null; // a build under way: its generator
	#touched = new Set(); // ids that changed while it runs

	/** @param rows  the live Map of rows by id */
	constructor(rows) {
		this.#rows = rows;
	}

	/** {all, open, …}: how many records of each status the search finds. */
	get counts() {
		return this.#counts;
	}

	get length() {
		return this.#order.length;
	}

	/** Whether a build is under way, or changes that came during it are still to be taken in. */
	get building() {
		return this.#job !== null || this.#touched.size > 0;
	}

	/** Ids of a part of the list. */
	slice(from, to) {
		return this.#order.slice(from, to).map(({ id }) => id);
	}

	/** A place in the list that stays valid when records come, go and move: pass it to indexOf. */
	placeAt(index) {
		const entry = this.#order[index];
		return entry === undefined ? null : { id: entry.id, key: entry.key };
	}

	/** How many records of the list come before a place. */
	indexOf(place) {
		return this.#lowerBound(place);
	}

	/** Whether a record is in the list at all. */
	lists(id) {
		return this.#entries.get(id)?.listed === true;
	}

	/** Chooses search, filter and order; the list is as before until the build that this begins is done. */
	choose({ status, search, sort, descending }, rows = this.#rows) {
		this.#rows = rows;
		this.#touched.clear();
		this.#job = this.#build({ status, search, sort, descending });
	}

	/** Goes on building until it is done, or `pause()` says so; true when there is nothing left to do. */
	work(pause = () => false) {
		while (this.building) {
			if (this.#job === null) {
				this.#catchUp();
			} else if (this.#job.next().done) {
				this.#job = null;
			}
			if (this.building && pause()) {
				return false;
			}
		}
		return true;
	}

	// There may be as many as a page that was hidden for hours has missed.
	#catchUp() {
		let left = CATCH;
		for (const id of this.#touched) {
			this.#touched.delete(id);
			this.#update(id);
			if (--left === 0) {
				return;
			}
		}
	}

	/** Takes note of changed records. `all`: any may have changed. `rows`: the live Map, where it is another one now. */
	changed(ids, { all = false, rows = this.#rows } = {}) {
		if (all || rows !== this.#rows || (ids.length > MANY && ids.length > this.#entries.size / 20)) {
			this.choose(this.#view, rows);
		} else if (this.building) {
			ids.forEach((id) => this.#touched.add(id));
		} else {
			ids.forEach((id) => this.#update(id));
		}
	}

	#update(id) {
		const before = this.#entries.get(id);
		const row = this.#rows.get(id);
		if (before !== undefined) {
			this.#uncount(before);
			if (before.listed) {
				this.#order.splice(this.#lowerBound(before), 1);
			}
			this.#entries.delete(id);
		}
		if (row === undefined) {
			return;
		}
		const entry = this.#entry(id, row, this.#view, this.#words);
		this.#entries.set(id, entry);
		this.#count(this.#counts, entry);
		if (entry.listed) {
			this.#order.splice(this.#lowerBound(entry), 0, entry);
		}
	}

	#entry(id, row, view, words) {
		const found = words.length === 0 || matches(row, words);
		const listed = found && (view.status === 'all' || row.status === view.status);
		return { id, row, key: listed ? sortKey(fieldNamed(view.sort), row[view.sort]) : null, found, listed };
	}

	#count(counts, { found, row }) {
		if (found) {
			counts.all++;
			counts[row.status]++;
		}
	}

	#uncount({ found, row }) {
		if (found) {
			this.#counts.all--;
			this.#counts[row.status]--;
		}
	}

	// Index of the first entry that does not come before `place`.
	#lowerBound(place) {
		const compare = comparison(this.#view);
		let low = 0;
		let high = this.#order.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (compare(this.#order[middle], place) < 0) {
				low = middle + 1;
			} else {
				high = middle;
			}
		}
		return low;
	}

	*#build(view) {
		const words = view.search.toLowerCase().split(/\s+/).filter((word) => word !== '');
		const entries = new Map();
		const counts = emptyCounts();
		const runs = [];
		let run = [];
		const compare = comparison(view);
		for (const [id, row] of this.#rows) {
			const entry = this.#entry(id, row, view, words);
			entries.set(id, entry);
			this.#count(counts, entry);
			if (entry.listed) {
				run.push(entry);
			}
			if (run.length === RUN) {
				runs.push(run.sort(compare));
				run = [];
			}
			if (entries.size % LOOK === 0) {
				yield;
			}
		}
		runs.push(run.sort(compare));
		let order = runs;
		while (order.length > 1) {
			const merged = [];
			for (let n = 0; n < order.length; n += 2) {
				merged.push(n + 1 < order.length ? yield* merge(order[n], order[n + 1], compare) : order[n]);
			}
			order = merged;
		}
		this.#view = view;
		this.#words = words;
		this.#entries = entries;
		this.#counts = counts;
		[this.#order] = order;
	}
}

function* merge(left, right, compare) {
	const all = [];
	let l = 0;
	let r = 0;
	while (l < left.length && r < right.length) {
		all.push(compare(left[l], right[r]) <= 0 ? left[l++] : right[r++]);
		if (all.length % RUN === 0) {
			yield;
		}
	}
	for (; l < left.length; l++) {
		all.push(left[l]);
	}
	for (; r < right.length; r++) {
		all.push(right[r]);
	}
	yield;
	return all;
}

// What is empty comes last in either direction; the id decides between equals, so that rows do not dance.
function comparison({ descending }) {
	const direction = descending ? -1 : 1;
	return (a, b) => {
		if (a.key !== b.key) {
			if (a.key === null || b.key === null) {
				return a.key === null ? 1 : -1;
			}
			return a.key < b.key ? -direction : direction;
		}
		return Number(a.id) - Number(b.id);
	};
}

const texts = new WeakMap(); // row → what a search looks at: rows are never changed, only exchanged

function matches(row, words) {
	let text = texts.get(row);
	if (text === undefined) {
		text = FIELDS.map((field) => edited(field, row[field.name])).join('\n').toLowerCase();
		texts.set(row, text);
	}
	return words.every((word) => text.includes(word));
}

function emptyCounts() {
	return Object.fromEntries([['all', 0], ...STATUSES.map((status) => [status, 0])]);
}

// The list of records: a grid whose rows can be walked with the keyboard. Draws one page, once per frame at most; which
// rows that are is decided in page.js.

import { $, count, h, perFrame } from './dom.js';
import { COLUMNS, Row } from './row.js';
import { PAGE_SIZE, Page } from './page.js';
import { RecordIndex } from './record_index.js';

const SLICE_MS = 8; // of building the index, per frame
const HAND_MS = 10_000; // pointer and keyboard have let go of the list when they have been still for so long
const UNDER_HAND_MS = 500; // a click so soon after rows have moved was meant for another row

export class RecordTable {
	#records;
	#writes;
	#marks;
	#actions;
	#index;
	#page;
	#rows = new Map(); // id → Row, of what is on the screen
	#ghosts = new Map(); // id → last values of records that were deleted while on the screen
	#selected = null;
	#active = null; // id of the row that Tab leads to
	#handUntil = 0; // when the hand on the list counts as gone
	#movedAt = 0; // when rows last moved by themselves
	#wanted = null; // page to turn to when the index is built
	#timer;

	/** @param actions {open(id), toggleDone(row), viewChanged(), drawn(state)} */
	constructor(records, writes, marks, view, actions) {
		this.#records = records;
		this.#writes = writes;
		this.#marks = marks;
		this.#actions = actions;
		this.view = view;
		this.#index = new RecordIndex(records.rows);
		this.#page = new Page(this.#index);
		this.draw = perFrame(() => this.#draw());
		this.body = $('#records tbody');
		this.head = $('#records thead tr');
		this.#buildHead();
		this.#listen();
		this.#rebuild(view.from);
		writes.onChange(() => this.draw());
	}

	/** Takes note of changed records, and draws. */
	changed({ changes, first, refetch }) {
		for (const { key, row, old } of changes) {
			if (row === undefined && old !== undefined && this.#rows.has(key)) {
				this.#ghosts.set(key, old);
			}
		}
		const all = first || refetch || changes.some(({ op }) => op === 'truncate');
		if (all && this.#wanted === null) {
			this.#wanted = first ? this.view.from : null;
		}
		this.#index.changed(changes.map(({ key }) => key), { all, rows: this.#records.rows });
		this.draw();
	}

	select(id, { focus = false } = {}) {
		const before = this.#selected;
		this.#selected = id;
		if (focus && before !== null) {
			this.focusRow(before);
		}
		this.draw();
	}

	/** Chooses other records, or another order. Always from the first page. */
	change(part) {
		this.view = { ...this.view, ...part, from: 0 };
		this.#rebuild(0);
	}

	/** Shows what is there now. */
	refresh() {
		this.#page.update();
		this.#ghosts.clear();
		this.draw();
	}

	turn(direction, { focus = false } = {}) {
		const before = this.#page.from;
		direction > 0 ? this.#page.next() : this.#page.previous();
		if (this.#page.from === before && direction > 0) {
			return;
		}
		this.#turned(focus);
	}

	focusRow(id) {
		const row = this.#rows.get(id);
		if (row !== undefined) {
			this.#activate(id);
			row.element.focus();
		}
		return row !== undefined;
	}

	#turned(focus = false) {
		this.#ghosts.clear();
		this.view.from = this.#page.from;
		this.#active = this.#page.ids[0] ?? null;
		$('.scroll').scrollTop = 0;
		this.#draw();
		if (focus && this.#active !== null) {
			this.#rows.get(this.#active).element.focus();
		}
		this.#actions.viewChanged();
	}

	#rebuild(from) {
		this.#wanted = from;
		this.#index.choose(this.view);
		// A short list is there at once; a long one is built in slices, while the old one stays on the screen.
		this.draw();
	}

	#buildHead() {
		const sortBy = (name) => this.change({ sort: name, descending: this.view.sort === name && !this.view.descending });
		this.head.replaceChildren(
			h('th', { scope: 'col', class: 'tick', role: 'columnheader' }, h('span', { class: 'unseen' }, 'Done')),
			...COLUMNS.map((field) =>
				h(
					'th',
					{ scope: 'col', role: 'columnheader', class: field.kind, 'data-column': field.name },
					h('button', { type: 'button', onclick: () => sortBy(field.name) }, h('span', {}, field.label), h('span', { class: 'arrow', 'aria-hidden': 'true' })),
				),
			),
		);
	}

	#listen() {
		const hand = () => {
			this.#handUntil = Date.now() + HAND_MS;
			clearTimeout(this.#timer);
			this.#timer = setTimeout(this.draw, HAND_MS + 20);
		};
		for (const kind of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
			this.body.addEventListener(kind, hand);
		}
		$('.scroll').addEventListener('scroll', hand, { passive: true });
		this.body.addEventListener('focusin', (event) => this.#activate(this.#rowAt(event.target)?.id ?? this.#active));
		this.body.addEventListener('click', (event) => this.#clicked(event));
		this.body.addEventListener('keydown', (event) => this.#key(event));
	}

	get #held() {
		return Date.now() < this.#handUntil || this.#selected !== null || document.querySelector('dialog[open]') !== null;
	}

	#draw() {
		const started = performance.now();
		if (!this.#index.work(() => performance.now() - started > SLICE_MS)) {
			this.draw();
		}
		if (this.#index.building && this.#wanted !== null && this.#rows.size > 0) {
			this.#report();
			return; // what the person asked for is coming
		}
		if (!this.#index.building && this.#wanted !== null && this.#records.isReady) {
			const from = this.#wanted;
			this.#wanted = null;
			this.#page.turnTo(from);
			this.#ghosts.clear();
			this.view.from = this.#page.from;
			$('.scroll').scrollTop = 0;
			this.#actions.viewChanged();
		} else if (!this.#held) {
			const { come, go, moved } = this.#page.waiting();
			if (come + go > 0 || moved) {
				this.#movedAt = Date.now();
			}
			this.#page.update();
			this.#ghosts.clear();
			this.view.from = this.#page.from;
		}
		this.#drawRows();
		this.#report();
		this.#expireLater();
	}

	#drawRows() {
		const { ids, from } = this.#page;
		if (!ids.includes(this.#active)) {
			this.#active = ids[0] ?? null;
		}
		const next = new Map();
		ids.forEach((id, n) => {
			const values = this.#records.rows.get(id) ?? this.#ghosts.get(id);
			if (values === undefined) {
				return; // deleted between being listed and being drawn
			}
			const row = this.#rows.get(id) ?? new Row(id);
			const gone = !this.#records.rows.has(id);
			row.update(values, this.#writes.of(id), this.#marks.flashesOf(id), {
				gone,
				selected: id === this.#selected,
				active: id === this.#active,
				astray: !gone && !this.#index.building && !this.#index.lists(id),
				missed: this.#marks.missed(id),
				index: from + n + 2,
			});
			next.set(id, row);
		});
		this.#rows = next;
		const elements = [...next.values()].map(({ element }) => element);
		this.#place(elements);
	}

	// Moves only what is not in its place: an element that is moved loses the focus.
	#place(elements) {
		const wanted = new Set(elements);
		for (const element of [...this.body.children]) {
			if (!wanted.has(element)) {
				element.remove();
			}
		}
		elements.forEach((element, n) => {
			const there = this.body.children[n];
			if (there === element) {
				return;
			}
			const focused = element.contains(document.activeElement) ? document.activeElement : null;
			this.body.insertBefore(element, there ?? null);
			focused?.focus();
		});
	}

	#report() {
		for (const cell of this.head.children) {
			const sorted = cell.dataset.column === this.view.sort;
			if (cell.dataset.column !== undefined) {
				cell.setAttribute('aria-sort', sorted ? (this.view.descending ? 'descending' : 'ascending') : 'none');
			}
		}
		$('#records').setAttribute('aria-rowcount', this.#index.length + 1);
		$('#records').setAttribute('aria-busy', String(this.#index.building));
		this.#actions.drawn({
			counts: this.#index.counts,
			total: this.#index.length,
			all: this.#records.rows.size,
			from: this.#page.from,
			shown: this.#page.ids.length,
			first: this.#page.isFirst,
			last: this.#page.isLast,
			building: this.#index.building,
			ready: this.#records.isReady,
			waiting: this.#index.building ? { come: 0, go: 0, moved: false } : this.#page.waiting(),
		});
	}

	#expireLater() {
		clearTimeout(this.expiry);
		const { next } = this.#marks.expire(Date.now());
		if (next !== null) {
			this.expiry = setTimeout(() => {
				this.#marks.expire(Date.now());
				this.draw();
			}, next - Date.now() + 20);
		}
	}

	#rowAt(target) {
		const element = target.closest('tr');
		return element === null ? undefined : [...this.#rows.values()].find((row) => row.element === element);
	}

	#activate(id) {
		if (id !== this.#active) {
			this.#rows.get(this.#active)?.element.setAttribute('tabindex', -1);
			this.#active = id;
			this.#rows.get(id)?.element.setAttribute('tabindex', 0);
			this.draw();
		}
	}

	#clicked(event) {
		const row = this.#rowAt(event.target);
		if (row === undefined || Date.now() - this.#movedAt < UNDER_HAND_MS) {
			return;
		}
		if (event.target.closest('.tick') !== null) {
			event.preventDefault(); // the box shows what is written, or waits to be
			this.#toggleDone(row);
		} else {
			this.#actions.open(row.id);
		}
	}

	#toggleDone({ id }) {
		const values = this.#records.get(id);
		if (values !== undefined) {
			this.#actions.toggleDone(values);
		}
	}

	#key(event) {
		const row = this.#rowAt(event.target);
		if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) {
			return;
		}
		const { element } = row;
		const moves = {
			ArrowDown: () => element.nextElementSibling,
			ArrowUp: () => element.previousElementSibling,
			Home: () => this.body.firstElementChild,
			End: () => this.body.lastElementChild,
		};
		const acts = {
			Enter: () => this.#actions.open(row.id),
			' ': () => this.#actions.open(row.id),
			PageDown: () => this.turn(1, { focus: true }),
			PageUp: () => this.turn(-1, { focus: true }),
			d: () => this.#toggleDone(row),
		};
		if (Object.hasOwn(moves, event.key)) {
			event.preventDefault();
			moves[event.key]()?.focus();
		} else if (Object.hasOwn(acts, event.key)) {
			event.preventDefault();
			acts[event.key]();
		}
	}

	/** The page's size, for whoever says "1–40 of 140". */
	static pageSize = PAGE_SIZE;

	/** For tests: how the list stands. */
	get standing() {
		return { held: this.#held, from: this.#page.from, ids: this.#page.ids, waiting: this.#page.waiting(), building: this.#index.building };
	}
}

/** What the filters and the pager say, from what the table reports. */
export function describePage({ total, all, from, shown, building }) {
	if (building) {
		return `${count.format(all)} records, being sorted…`;
	}
	if (total === 0) {
		return `0 of ${count.format(all)} records`;
	}
	const range = shown === total ? count.format(total) : `${count.format(from + 1)}–${count.format(from + shown)} of ${count.format(total)}`;
	return total === all ? `${range} records` : `${range} matching, ${count.format(all)} in all`;
}

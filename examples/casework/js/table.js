// The list of records: draws one page of what search, filter and order select, once per frame at most, and marks what
// others change.

import { FIELDS, STATUSES, shown } from './fields.js';
import { $, count, h, perFrame } from './dom.js';
import { initialView, select } from './view.js';

const COLUMNS = FIELDS.filter((field) => field.inTable);
const FLASH_MS = 4_000; // as long as the animation in table.css
const NAMED = 10; // changes at once that carry a name each; more are told in a line

export class RecordTable {
	constructor(records, { open }) {
		this.records = records;
		this.openRecord = open;
		this.view = initialView();
		this.selected = null;
		this.flashes = new Map(); // key → {actor, mine, named, columns, until}
		this.drawn = new Map(); // key → {row, element} of the page on the screen
		this.draw = perFrame(() => this.#draw());
		this.head = $('#records thead tr');
		this.body = $('#records tbody');
		this.#buildHead();
		this.#buildTools();
		this.body.addEventListener('click', (event) => this.#clicked(event));
		this.body.addEventListener('keydown', (event) => this.#key(event));
		this.draw();
	}

	/** Notes who changed what, and draws. */
	changed({ changes, first, refetch }, mine) {
		if (!first && !refetch) {
			const until = Date.now() + FLASH_MS;
			for (const change of changes) {
				if (change.row !== undefined) {
					const columns = change.op === 'update' ? Object.keys(change.old) : COLUMNS.map(({ name }) => name);
					const named = !mine(change) && changes.length <= NAMED;
					this.flashes.set(change.key, { actor: change.actor ?? 'somebody', mine: mine(change), named, columns, until });
				}
			}
		}
		this.draw();
	}

	select(id, { focus = false } = {}) {
		const before = this.selected;
		this.selected = id;
		for (const [key, { element }] of this.drawn) {
			element.setAttribute('aria-selected', String(key === id));
		}
		if (focus && before !== null) {
			this.drawn.get(before)?.element.focus();
		}
	}

	#buildHead() {
		this.head.replaceChildren(
			...COLUMNS.map((field) =>
				h(
					'th',
					{ scope: 'col', class: field.kind, 'data-column': field.name },
					h('button', { type: 'button', onclick: () => this.#sortBy(field.name) }, field.label),
				),
			),
		);
	}

	#buildTools() {
		$('#filters').replaceChildren(
			...['all', ...STATUSES].map((status) =>
				h('button', { type: 'button', 'data-status': status, onclick: () => this.#change({ status, page: 0 }) }, status, ' ', h('span', {})),
			),
		);
		$('#search').addEventListener('input', (event) => this.#change({ search: event.target.value, page: 0 }));
		$('#previous').addEventListener('click', () => this.#change({ page: this.view.page - 1 }));
		$('#next').addEventListener('click', () => this.#change({ page: this.view.page + 1 }));
	}

	#change(part) {
		this.view = { ...this.view, ...part };
		this.draw();
	}

	#sortBy(name) {
		const descending = this.view.sort === name && !this.view.descending;
		this.#change({ sort: name, descending, page: 0 });
	}

	#draw() {
		const selection = select(this.records.rows, this.view);
		this.view.page = selection.page;
		this.#drawTools(selection);
		const now = Date.now();
		for (const [key, { until }] of this.flashes) {
			if (until <= now) {
				this.flashes.delete(key);
			}
		}
		const focused = document.activeElement?.closest('tbody tr')?.dataset.key;
		const next = new Map();
		for (const row of selection.rows) {
			const before = this.drawn.get(row.id);
			next.set(row.id, before?.row === row ? before : { row, element: this.#row(row) });
		}
		this.drawn = next;
		const elements = [...next.values()].map(({ element }) => element);
		if (elements.length !== this.body.children.length || elements.some((element, n) => element !== this.body.children[n])) {
			this.body.replaceChildren(...elements);
		}
		elements.forEach((element, n) => (element.tabIndex = n === 0 ? 0 : -1));
		if (focused !== undefined && document.activeElement === document.body) {
			elements.find((element) => element.dataset.key === focused)?.focus();
		}
		this.select(this.selected);
	}

	#drawTools({ total, pages, page, counts }) {
		for (const button of $('#filters').children) {
			const { status } = button.dataset;
			button.setAttribute('aria-pressed', String(this.view.status === status));
			button.lastElementChild.textContent = count.format(counts[status]);
		}
		for (const cell of this.head.children) {
			const sorted = cell.dataset.column === this.view.sort;
			cell.setAttribute('aria-sort', sorted ? (this.view.descending ? 'descending' : 'ascending') : 'none');
		}
		$('#summary').textContent = `${count.format(total)} of ${count.format(this.records.rows.size)} records`;
		$('#page').textContent = `page ${page + 1} of ${pages}`;
		$('#previous').disabled = page === 0;
		$('#next').disabled = page >= pages - 1;
		$('#empty').hidden = total > 0;
		$('#empty').textContent = this.records.isReady ? 'No record matches.' : 'Loading records…';
	}

	#row(row) {
		const flash = this.flashes.get(row.id);
		const cells = COLUMNS.map((field) => {
			const text = shown(field, row[field.name]);
			const changed = flash?.columns.includes(field.name);
			const inner = field.name === 'status' ? h('span', { class: 'status', 'data-status': row.status }, text) : text;
			return h('td', { class: `${field.kind}${changed ? ' changed' : ''}`, 'data-column': field.name }, inner);
		});
		if (flash?.named) {
			const at = cells.find((cell) => cell.classList.contains('changed')) ?? cells[0];
			at.append(h('span', { class: 'by' }, flash.actor));
		}
		return h(
			'tr',
			{ 'data-key': row.id, 'data-version': row.row_version, class: flash === undefined ? null : flash.mine ? 'flash mine' : 'flash' },
			cells,
		);
	}

	#clicked(event) {
		const element = event.target.closest('tr');
		if (element !== null) {
			this.#open(element);
		}
	}

	#open(element) {
		for (const [key, drawn] of this.drawn) {
			if (drawn.element === element) {
				this.openRecord(key);
			}
		}
	}

	#key(event) {
		const element = event.target.closest('tr');
		const moves = { ArrowDown: element.nextElementSibling, ArrowUp: element.previousElementSibling, Home: this.body.firstElementChild, End: this.body.lastElementChild };
		if (Object.hasOwn(moves, event.key)) {
			event.preventDefault();
			moves[event.key]?.focus();
		} else if (event.key === 'Enter' || event.key === ' ') {
			event.preventDefault();
			this.#open(element);
		}
	}
}

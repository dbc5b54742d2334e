// What stands around the list: search, filters with their counts, the pager, and what waits to be shown.

import { $, count, h, later } from './dom.js';
import { STATUSES } from './fields.js';
import { describePage } from './table.js';

const TYPING_MS = 150; // a pause in typing, after which a search begins; short lists are searched at each key

export class Tools {
	#table = null;
	#texts = new Map();

	/** @param view {status, search}: what the fields begin with */
	constructor(view) {
		this.search = $('#search');
		this.search.value = view.search;
		$('#filters').replaceChildren(
			...['all', ...STATUSES].map((status) =>
				h('button', { type: 'button', 'data-status': status, onclick: () => this.#table.change({ status }) }, h('span', { class: 'name' }, status), ' ', h('span', { class: 'count' })),
			),
		);
		const search = later(() => this.#table.change({ search: this.search.value }));
		this.search.addEventListener('input', () => search(this.all > 5_000 ? TYPING_MS : 0));
		this.search.addEventListener('keydown', (event) => {
			if (event.key === 'Escape' && this.search.value !== '') {
				event.stopPropagation();
				this.#clearSearch();
			} else if (event.key === 'ArrowDown') {
				event.preventDefault();
				$('#records tbody tr[tabindex="0"]')?.focus();
			}
		});
		$('#previous').addEventListener('click', () => this.#table.turn(-1));
		$('#next').addEventListener('click', () => this.#table.turn(1));
		$('#pending').addEventListener('click', () => this.showPending());
		$('#empty').addEventListener('click', (event) => event.target.closest('button') !== null && this.#widen());
		this.all = 0;
	}

	attach(table) {
		this.#table = table;
	}

	/** Shows what has come and gone while the list was held still. */
	showPending() {
		const focused = document.activeElement === $('#pending');
		this.#table.refresh();
		$('.scroll').scrollTop = 0;
		if (focused) {
			requestAnimationFrame(() => $('#records tbody tr[tabindex="0"]')?.focus());
		}
	}

	/** Says how the list stands: see the table's report. */
	show(state) {
		this.all = state.all;
		const { status } = this.#table.view;
		for (const button of $('#filters').children) {
			button.setAttribute('aria-pressed', String(status === button.dataset.status));
			this.#text(button.querySelector('.count'), count.format(state.counts[button.dataset.status]));
		}
		this.#text($('#summary'), state.ready ? describePage(state) : '');
		$('#previous').disabled = state.first;
		$('#next').disabled = state.last;
		this.#pending(state.waiting);
		this.#emptiness(state);
	}

	#pending({ come, go, moved }) {
		const parts = [];
		if (come > 0) {
			parts.push(`${count.format(come)} new here`);
		}
		if (go > 0) {
			parts.push(`${count.format(go)} no longer ${go === 1 ? 'belongs' : 'belong'} here`);
		}
		if (parts.length === 0 && moved) {
			parts.push('the order has changed');
		}
		const button = $('#pending');
		button.hidden = parts.length === 0;
		if (!button.hidden) {
			this.#text($('#pending-text'), parts.join(', '));
		}
	}

	#emptiness({ ready, building, total, all }) {
		const empty = $('#empty');
		empty.hidden = total > 0;
		$('#records').classList.toggle('empty-list', total === 0);
		if (total > 0) {
			return;
		}
		const { search, status } = this.#table.view;
		let text = 'Loading records…';
		let button = '';
		if (ready && !building) {
			text = all === 0 ? 'There are no records yet. Add one, or drop a CSV file on this page.' : 'No record matches';
			if (all > 0) {
				text += `${search.trim() === '' ? '' : ` “${search.trim()}”`}${status === 'all' ? '' : ` with status “${status}”`}.`;
				button = 'Show all records';
			}
		}
		empty.dataset.loading = String(!ready);
		this.#text($('#empty-text'), text);
		$('#empty-action').hidden = button === '';
		this.#text($('#empty-action'), button);
	}

	#widen() {
		this.search.value = '';
		this.#table.change({ search: '', status: 'all' });
		this.search.focus();
	}

	#clearSearch() {
		this.search.value = '';
		this.#table.change({ search: '' });
	}

	#text(element, text) {
		if (this.#texts.get(element) !== text) {
			this.#texts.set(element, text);
			element.textContent = text;
		}
	}
}

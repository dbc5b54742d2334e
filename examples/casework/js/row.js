// One row of the list: an element that lives as long as the row is on the screen, and is changed in place, so that the
// keyboard's focus and the pointer stay where they are.

import { FIELDS, shown } from './fields.js';
import { h } from './dom.js';

export const COLUMNS = FIELDS.filter((field) => field.inTable);

export class Row {
	#cells = new Map(); // column → {cell, text, value, tag}
	#note;
	#done;
	#state = {};

	constructor(id) {
		this.id = id;
		this.#done = h('input', { type: 'checkbox', tabindex: -1 });
		this.#note = h('span', { class: 'unseen' });
		const cells = COLUMNS.map((field) => {
			const value = h('span', { class: field.name === 'status' ? 'status' : 'value' });
			const cell = h('td', { role: 'gridcell', class: field.kind, 'data-column': field.name }, value);
			if (field.name === 'reference') {
				cell.append(this.#note);
			}
			this.#cells.set(field.name, { field, cell, value, text: null, tag: null });
			return cell;
		});
		this.element = h('tr', { role: 'row', tabindex: -1, 'data-key': id }, h('td', { role: 'gridcell', class: 'tick' }, this.#done), cells);
	}

	/**
	 * Shows a record as it is now.
	 * @param row      its values; of a deleted record, the last ones
	 * @param waiting  {op, set} of a save that is not confirmed, or undefined
	 * @param flashes  Map of column → {actor, mine, named, turn}, or undefined
	 * @param state    {selected, gone, astray, missed, index, active}
	 */
	update(row, waiting, flashes, state) {
		const set = state.gone ? { status: 'deleted' } : (waiting?.set ?? {});
		for (const [name, part] of this.#cells) {
			this.#show(part, Object.hasOwn(set, name) ? set[name] : row[name]);
			part.cell.classList.toggle('unsaved', !state.gone && Object.hasOwn(set, name));
		}
		this.#flash(flashes);
		const status = set.status ?? row.status;
		this.#done.checked = status === 'done';
		this.#done.disabled = state.gone || waiting !== undefined;
		this.#done.setAttribute('aria-label', `${row.reference} done`);
		this.#attribute('data-status', status);
		this.#attribute('data-version', row.row_version);
		this.#attribute('aria-selected', state.selected);
		this.#attribute('aria-rowindex', state.index);
		this.#attribute('tabindex', state.active ? 0 : -1);
		for (const name of ['gone', 'astray', 'missed']) {
			this.element.classList.toggle(name, state[name]);
		}
		this.element.classList.toggle('waiting', waiting !== undefined);
		const note = describe(waiting, state);
		if (this.#note.textContent !== note) {
			this.#note.textContent = note;
			this.element.title = note.replace(/^[, ]+/, '');
		}
	}

	#attribute(name, value) {
		if (this.#state[name] !== value) {
			this.#state[name] = value;
			this.element.setAttribute(name, value);
		}
	}

	#show(part, of) {
		const text = shown(part.field, of);
		if (part.text === text) {
			return;
		}
		part.text = text;
		part.value.textContent = text;
		part.value.title = text.length > 18 ? text : '';
		if (part.field.name === 'status') {
			part.value.dataset.status = of;
		}
	}

	// A name at the first cell of each person's change; a change of what the list does not show is told at the reference.
	#flash(flashes) {
		const seen = new Set();
		const hidden = flashes && [...flashes].filter(([column]) => column !== 'row_version' && !this.#cells.has(column)).map(([, flash]) => flash);
		for (const [name, part] of this.#cells) {
			const flash = flashes?.get(name) ?? (name === 'reference' ? hidden?.at(-1) : undefined);
			const lit = flash === undefined ? '' : `${flash.mine ? 'mine' : 'theirs'}-${flash.turn % 2}`;
			if ((part.cell.dataset.flash ?? '') !== lit) {
				lit === '' ? delete part.cell.dataset.flash : (part.cell.dataset.flash = lit);
			}
			const actor = flash?.named && !seen.has(flash.actor) ? flash.actor : null;
			seen.add(actor);
			if ((part.tag?.textContent ?? null) !== actor) {
				part.tag?.remove();
				part.tag = actor === null ? null : h('span', { class: 'by', 'aria-hidden': 'true' }, actor);
				part.tag && part.cell.append(part.tag);
			}
		}
	}
}

function describe(waiting, { gone, astray, missed }) {
	if (gone) {
		return ', deleted';
	}
	if (waiting !== undefined) {
		return ', not saved yet';
	}
	return astray ? ', no longer belongs to this list' : missed ? ', changed while you were away' : '';
}

// The fields of one record: what the person typed, what is wrong with it, and what others saved meanwhile.

import { FIELDS, edited, equal, read, shown } from './fields.js';
import { h } from './dom.js';

export class RecordForm {
	#base;
	#parts = new Map(); // field name → {field, input, note, box, origin: the text that was put into the input}

	/** @param row  the record, or null for a new one */
	constructor(row) {
		this.#base = row;
		const boxes = FIELDS.map((field) => this.#field(field, row === null ? (field.byDefault ?? null) : row[field.name]));
		this.element = h('div', { class: 'fields' }, boxes);
	}

	/** {set: fields that the person changed, with their new values; problems: field → what is wrong with it} */
	changes() {
		const set = {};
		const problems = new Map();
		for (const { field, input, origin } of this.#parts.values()) {
			if (this.#base !== null && input.value === origin) {
				continue; // what is there already is not this person's mistake
			}
			const { value, problem } = read(field, input.value);
			if (problem !== undefined) {
				problems.set(field, problem);
			} else if (this.#base === null ? value !== null : !equal(field, value, read(field, origin).value)) {
				set[field.name] = value;
			}
		}
		return { set, problems };
	}

	/** The edit goes on from `row`, which the fields that are not being edited show already. */
	rebase(row) {
		this.#base = row;
		for (const part of this.#parts.values()) {
			part.theirs = undefined;
		}
	}

	/** Puts what a person wanted back into the fields. */
	fill(set) {
		for (const [name, value] of Object.entries(set)) {
			const { field, input } = this.#parts.get(name);
			input.value = edited(field, value);
		}
		this.mark();
	}

	/** For a new record: whether anything was typed. */
	get touched() {
		return [...this.#parts.values()].some(({ input, origin }) => input.value !== origin);
	}

	/** Marks what differs from the record, and takes earlier complaints off. */
	mark() {
		for (const { field, input, origin, box } of this.#parts.values()) {
			box.classList.toggle('edited', this.#base !== null && input.value !== origin);
			this.#complain(field.name, null);
		}
	}

	/** Says what is wrong with fields, and leads to the first. */
	show(problems) {
		for (const [field, problem] of problems) {
			this.#complain(field.name, problem);
		}
		this.focus([...problems.keys()][0].name);
	}

	/** Somebody has saved the record as `row`: fields that are not being edited follow, the others show both values. */
	follow(row, who) {
		for (const part of this.#parts.values()) {
			const { field, input, box } = part;
			const theirs = row[field.name];
			if (equal(field, theirs, this.#base[field.name]) && part.theirs === undefined) {
				continue;
			}
			if (input.value === part.origin) {
				const text = edited(field, theirs);
				if (text !== part.origin) {
					part.origin = text;
					input.value = text;
					box.classList.remove('changed');
					requestAnimationFrame(() => box.classList.add('changed'));
				}
				continue;
			}
			part.theirs = theirs;
			const take = h('button', { type: 'button', class: 'link', 'aria-label': `use theirs: ${field.label.toLowerCase()}` }, 'use theirs');
			take.addEventListener('click', () => {
				part.origin = edited(field, theirs);
				input.value = part.origin;
				part.note.replaceChildren();
				input.focus();
				input.dispatchEvent(new Event('input', { bubbles: true }));
			});
			const same = equal(field, theirs, read(field, input.value).value);
			part.note.replaceChildren(...(same ? [`${who} saved the same`] : [`${who} saved: ${shown(field, theirs) || 'nothing'} · `, take]));
		}
	}

	focus(name) {
		this.#parts.get(name).input.focus();
	}

	#complain(name, problem) {
		const { input, note, box } = this.#parts.get(name);
		if (problem === null && !box.classList.contains('wrong')) {
			return;
		}
		box.classList.toggle('wrong', problem !== null);
		note.textContent = problem ?? '';
		if (problem === null) {
			input.removeAttribute('aria-invalid');
		} else {
			input.setAttribute('aria-invalid', 'true');
		}
	}

	#field(field, value) {
		const id = `field-${field.name}`;
		const origin = edited(field, value);
		const attributes = { id, name: field.name, required: field.required, 'aria-describedby': `${id}-note` };
		let input;
		if (field.kind === 'choice') {
			const choices = value === null ? ['', ...field.choices] : field.choices;
			input = h('select', attributes, choices.map((choice) => h('option', { value: choice }, choice || 'choose…')));
		} else if (field.kind === 'long') {
			input = h('textarea', { ...attributes, rows: 3 });
		} else {
			const types = { date: 'date', email: 'email' };
			const mode = field.kind === 'amount' ? 'decimal' : null;
			input = h('input', { ...attributes, type: types[field.kind] ?? 'text', inputmode: mode, autocomplete: 'off' });
		}
		input.value = origin;
		const note = h('span', { class: 'note', id: `${id}-note` });
		const box = h('div', { class: `field ${field.kind} field-${field.name}` }, h('label', { for: id }, field.label, field.required ? null : h('small', {}, ' optional')), input, note);
		this.#parts.set(field.name, { field, input, note, box, origin, theirs: undefined });
		return box;
	}
}

// The side panel: one record to read and edit. Only the fields that were changed are saved, on the version the edit
// began with; what others change meanwhile is shown at once, and never overwrites what is being typed.

import { ConflictError } from '/client/lockstep.js';
import { FIELDS, TABLE, edited, equal, fieldNamed, read, shown } from './fields.js';
import { h } from './dom.js';
import { rowAtVersion } from './records.js';
import { settleConflict } from './conflict.js';
import { toast } from './toast.js';

export class RecordPanel {
	constructor(element, db, records, { idle, opened, closed }) {
		this.element = element;
		this.db = db;
		this.records = records;
		this.callbacks = { idle, opened, closed };
		this.base = null; // the record as it was when the edit began; null while creating
		this.form = null;
		this.saving = false;
		element.addEventListener('keydown', (event) => event.key === 'Escape' && this.#leave());
	}

	get dirty() {
		return this.form !== null && Object.keys(this.#changes().set).length + this.#changes().problems.size > 0;
	}

	open(id) {
		if (this.base?.id === id) {
			this.inputs.get('status').focus();
			return;
		}
		const row = this.records.get(id);
		if (row !== undefined && this.#mayLeave()) {
			this.#show(row);
			this.callbacks.opened(id);
			this.inputs.get('status').focus();
		}
	}

	create() {
		if (this.#mayLeave()) {
			this.#show(null);
			this.callbacks.opened(null);
			this.inputs.get('reference').focus();
		}
	}

	close() {
		this.base = null;
		this.form = null;
		this.element.replaceChildren(this.callbacks.idle());
		this.callbacks.closed();
	}

	/** Others may have changed the record that is open. */
	changed({ changes, refetch }) {
		if (this.form === null || this.base === null || this.saving) {
			return;
		}
		const row = this.records.get(this.base.id);
		if (row === undefined) {
			this.#say('This record was deleted.', 'problem');
			return;
		}
		if (row.row_version === this.base.row_version) {
			return;
		}
		const last = changes.filter(({ key }) => key === this.base.id).at(-1);
		const who = refetch ? 'Somebody' : (last?.actor ?? 'Somebody');
		if (!this.dirty) {
			const fields = FIELDS.filter((field) => !equal(field, row[field.name], this.base[field.name]));
			this.#show(row);
			this.#say(`${who} changed ${fields.map((field) => field.label.toLowerCase()).join(', ')} just now.`);
			fields.forEach((field) => this.inputs.get(field.name).closest('.field').classList.add('changed'));
			return;
		}
		this.#say(`${who} has saved this record since you began (version ${row.row_version}). You can compare when you save.`, 'warning');
		for (const field of FIELDS) {
			const theirs = row[field.name];
			this.notes.get(field.name).textContent = equal(field, theirs, this.base[field.name]) ? '' : `now: ${shown(field, theirs) || 'nothing'}`;
		}
	}

	#show(row) {
		this.base = row;
		this.inputs = new Map();
		this.notes = new Map();
		const fields = FIELDS.map((field) => this.#field(field, row === null ? (field.byDefault ?? null) : row[field.name]));
		this.message = h('p', { class: 'message', role: 'status', hidden: true });
		this.save = h('button', { class: 'primary' }, row === null ? 'Add record' : 'Save');
		const remove = row === null ? null : h('button', { type: 'button', class: 'danger', onclick: () => this.#delete() }, 'Delete…');
		const version = row === null ? 'not saved yet' : `version ${row.row_version}`;
		this.form = h(
			'form',
			{ novalidate: true, 'aria-label': row === null ? 'New record' : `Record ${row.reference}` },
			h(
				'header',
				{},
				h('h2', {}, row === null ? 'New record' : row.reference),
				h('span', { class: 'version', 'data-version': row?.row_version ?? '' }, version),
				h('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => this.#leave() }, '×'),
			),
			this.message,
			h('div', { class: 'fields' }, fields),
			h('div', { class: 'actions' }, remove, h('span', { class: 'grow' }), this.save),
		);
		this.form.addEventListener('submit', (event) => {
			event.preventDefault();
			void this.#submit();
		});
		this.form.addEventListener('input', () => this.#refreshState());
		this.element.replaceChildren(this.form);
		this.#refreshState();
	}

	#field(field, value) {
		const attributes = { name: field.name, value: edited(field, value), required: field.required };
		let input;
		if (field.kind === 'choice') {
			const choices = value === null ? ['', ...field.choices] : field.choices;
			input = h('select', attributes, choices.map((choice) => h('option', { value: choice }, choice || 'choose…')));
			input.value = edited(field, value);
		} else if (field.kind === 'long') {
			input = h('textarea', { ...attributes, rows: 3 });
		} else {
			const types = { date: 'date', email: 'email' };
			const mode = field.kind === 'amount' ? 'decimal' : null;
			input = h('input', { ...attributes, type: types[field.kind] ?? 'text', inputmode: mode, autocomplete: 'off' });
		}
		const note = h('span', { class: 'note' });
		this.inputs.set(field.name, input);
		this.notes.set(field.name, note);
		return h('label', { class: `field ${field.kind}` }, h('span', {}, field.label), input, note);
	}

	// {set: changed fields with their new values, problems: field → what is wrong}
	#changes() {
		const set = {};
		const problems = new Map();
		for (const field of FIELDS) {
			const text = this.inputs.get(field.name).value;
			if (this.base !== null && text === edited(field, this.base[field.name])) {
				continue; // what is there already is not this person's mistake
			}
			const { value, problem } = read(field, text);
			const before = this.base === null ? null : this.base[field.name];
			if (problem !== undefined) {
				problems.set(field, problem);
			} else if (!equal(field, value, before)) {
				set[field.name] = value;
			}
		}
		return { set, problems };
	}

	#refreshState() {
		const { set, problems } = this.#changes();
		for (const field of FIELDS) {
			const label = this.inputs.get(field.name).closest('.field');
			label.classList.toggle('edited', this.base !== null && (Object.hasOwn(set, field.name) || problems.has(field)));
			label.classList.remove('wrong');
		}
		this.save.disabled = this.saving || (this.base !== null && Object.keys(set).length + problems.size === 0);
	}

	#say(text, kind = 'info') {
		this.message.textContent = text;
		this.message.dataset.kind = kind;
		this.message.hidden = text === '';
	}

	async #submit() {
		const { set, problems } = this.#changes();
		for (const [field, problem] of problems) {
			this.notes.get(field.name).textContent = problem;
			this.inputs.get(field.name).closest('.field').classList.add('wrong');
		}
		if (problems.size > 0) {
			this.inputs.get([...problems.keys()][0].name).focus();
			this.#say('Nothing was saved yet: some fields need your attention.', 'problem');
			return;
		}
		if (this.base === null) {
			await this.#attempt(() => this.db.insert(TABLE, set), (result) => this.#follow(result));
		} else {
			await this.#update(this.base, set);
		}
	}

	async #update(base, set) {
		const key = { id: base.id };
		const write = () => this.db.update(TABLE, key, set, { version: base.row_version });
		await this.#attempt(write, (result) => this.#follow(result), async (conflict) => {
			const choice = await settleConflict({ records: this.records, base, set, conflict });
			if (choice.action === 'theirs') {
				this.#reopen(choice.row, 'Your changes were dropped; this is the record as it is now.');
			} else if (choice.action === 'apply') {
				await this.#update(choice.row, choice.set);
			}
		});
	}

	async #delete() {
		if (!confirm(`Delete ${this.base.reference}? Everybody loses it at once.`)) {
			return;
		}
		const { base } = this;
		const write = () => this.db.delete(TABLE, { id: base.id }, { version: base.row_version });
		const deleted = () => {
			toast(`${base.reference} was deleted.`);
			this.close();
		};
		await this.#attempt(write, deleted, async (conflict) => {
			const row = await rowAtVersion(this.records, base.id, conflict.current);
			this.#reopen(row, `${conflict.changedBy ?? 'Somebody'} changed this record meanwhile, so it was not deleted. Look again.`);
		});
	}

	// Shows the record as it was saved, once the live table has it.
	async #follow({ key, version }) {
		const { form } = this;
		const row = await rowAtVersion(this.records, key.id, version);
		if (this.form === form) {
			this.#reopen(row, `Saved as version ${version}.`);
			this.callbacks.opened(key.id);
		}
	}

	// Runs a write and tells how it went.
	async #attempt(write, done, onConflict) {
		this.saving = true;
		this.#refreshState();
		this.#say(this.db.state === 'connected' ? 'Saving…' : 'There is no connection. This is sent when it is back.');
		const { form } = this;
		try {
			const result = await write();
			if (this.form === form) {
				await done(result);
			}
		} catch (error) {
			if (this.form !== form) {
				toast(`A save was refused: ${error.message}`, 'problem');
			} else if (error instanceof ConflictError && onConflict !== undefined) {
				this.#say('Nothing was saved: the record has changed since you opened it.', 'warning');
				this.saving = false;
				await onConflict(error);
			} else {
				this.#say(explain(error), 'problem');
			}
		} finally {
			this.saving = false;
			if (this.form === form) {
				this.#refreshState();
			}
		}
	}

	#reopen(row, text) {
		if (row === undefined) {
			this.close();
			return;
		}
		this.#show(row);
		this.#say(text);
	}

	#mayLeave() {
		return !this.dirty || confirm('Leave this record without saving your changes?');
	}

	#leave() {
		if (this.#mayLeave()) {
			this.close();
		}
	}
}

const RULES = {
	23505: 'There is a record with this reference already.',
	42501: 'You may not change this record.',
	'55P03': 'Somebody else is working on this record.',
};

function explain(error) {
	const rule = RULES[error.code];
	const field = error.code === '23514' ? fieldNamed(/registration_(\w+?)_check/.exec(error.message)?.[1]) : undefined;
	const text = rule ?? (field ? `${field.label} is not acceptable.` : `Nothing was saved: ${error.message}.`);
	return error.hint ? `${text} ${error.hint}` : text;
}

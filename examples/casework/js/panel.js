// The side panel: one record to read and edit. Only the fields that were changed are saved, on the version the edit
// began with; what others change meanwhile is shown at once, and never overwrites what is being typed.

import { ConflictError } from '/client/lockstep.js';
import { FIELDS, equal } from './fields.js';
import { $, ago, h } from './dom.js';
import { RecordForm } from './form.js';
import { changedFields } from './activity.js';
import { confirmed, settleConflict } from './conflict.js';
import { explain } from './problems.js';
import { rowAtVersion } from './records.js';
import { toast } from './toast.js';

export class RecordPanel {
	#element;
	#db;
	#records;
	#writes;
	#callbacks;
	#base = null; // the record as it was when the edit began; null while creating
	#form = null;
	#busy = new Set(); // forms whose save is under way; of records that were left, too
	#news = null; // when somebody else last saved the record that is open
	#parts = {};

	constructor(element, db, records, writes, { idle, opened, closed }) {
		this.#element = element;
		this.#db = db;
		this.#records = records;
		this.#writes = writes;
		this.#callbacks = { idle, opened, closed };
		element.addEventListener('keydown', (event) => {
			if (event.key === 'Escape') {
				event.preventDefault(); // it would close the question that this may open
				void this.#leave();
			} else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && this.#form !== null) {
				event.preventDefault();
				this.#parts.form.requestSubmit();
			}
		});
		setInterval(() => this.#tick(), 1_000);
		this.#empty();
	}

	get #saving() {
		return this.#busy.has(this.#form);
	}

	/** Whether something was typed that is neither saved nor waiting to be. */
	get dirty() {
		if (this.#form === null || this.#saving) {
			return false;
		}
		if (this.#base === null) {
			return this.#form.touched;
		}
		const { set, problems } = this.#form.changes();
		return Object.keys(set).length + problems.size > 0;
	}

	/** Whether that record is open here, with something typed. */
	dirtyOn(id) {
		return this.#base?.id === id && this.dirty;
	}

	async open(id, { focus = true } = {}) {
		if (this.#base?.id === id) {
			this.#form.focus('status');
			return;
		}
		const leaves = this.#records.get(id) !== undefined && (await this.#mayLeave());
		const row = this.#records.get(id); // as it is after the question
		if (leaves && row !== undefined) {
			this.#show(row);
			this.#callbacks.opened(id);
			if (this.#writes.of(id) !== undefined) {
				this.#say('A change of this record waits to be sent. It can be edited when that is done.', 'warning');
			}
			if (focus) {
				this.#form.focus('status');
			}
		}
	}

	async create() {
		if (await this.#mayLeave()) {
			this.#show(null);
			this.#callbacks.opened(null);
			this.#form.focus('reference');
		}
	}

	close() {
		this.#empty();
		this.#callbacks.closed();
	}

	/** Others may have changed the record that is open. */
	changed({ changes }) {
		if (this.#form === null || this.#base === null || this.#saving) {
			return;
		}
		const last = changes.filter(({ key }) => key === this.#base.id).at(-1);
		if (last === undefined) {
			return;
		}
		const row = this.#records.get(this.#base.id);
		const who = last.actor ?? 'Somebody';
		if (row === undefined) {
			this.#say(`This record was deleted${last.actor ? ` by ${last.actor}` : ''}.`, 'problem');
			this.#parts.save.disabled = !this.dirty;
			return;
		}
		const names = FIELDS.filter((field) => !equal(field, row[field.name], this.#base[field.name])).map(({ name }) => name);
		const dirty = this.dirty;
		this.#form.follow(row, who);
		if (!dirty) {
			this.#base = row;
			this.#form.rebase(row);
			this.#showVersion();
			if (names.length > 0) {
				this.#tell(who, row, names);
			}
			return;
		}
		this.#tell(who, row, names, `Your edit began with version ${this.#base.row_version}; you can compare when you save.`);
	}

	#tell(who, row, names, more = '') {
		const { verb, fields, to } = changedFields(row, names);
		this.#news = new Date();
		const text = `${who} ${verb} ${fields}${to}`;
		this.#parts.message.replaceChildren(text, h('span', { class: 'when', 'aria-hidden': 'true' }), `${more === '' ? '.' : `. ${more}`}`);
		this.#parts.message.dataset.kind = more === '' ? 'info' : 'warning';
		this.#parts.message.hidden = false;
		this.#tick();
	}

	// How long ago the news is; not for screen readers, which would read it each second.
	#tick() {
		const when = this.#parts.message?.querySelector('.when');
		if (when && this.#news !== null) {
			when.textContent = ` ${ago(this.#news)}`;
		}
	}

	#empty() {
		this.#base = null;
		this.#form = null;
		this.#parts = {};
		this.#element.dataset.mode = 'idle';
		this.#element.setAttribute('aria-label', 'Recent changes');
		this.#element.replaceChildren(this.#callbacks.idle());
	}

	#show(row) {
		this.#base = row;
		this.#news = null;
		this.#form = new RecordForm(row);
		const message = h('p', { class: 'message', role: 'status', hidden: true });
		const save = h('button', { class: 'primary', title: 'Ctrl + Enter' }, row === null ? 'Add record' : 'Save');
		const remove = row === null ? null : h('button', { type: 'button', class: 'danger', onclick: () => void this.#delete() }, 'Delete…');
		const version = h('span', { class: 'version' });
		const form = h(
			'form',
			{ novalidate: true, 'aria-label': row === null ? 'New record' : `Record ${row.reference}` },
			h(
				'header',
				{},
				h('h2', {}, row === null ? 'New record' : row.reference),
				version,
				h('button', { type: 'button', class: 'close', 'aria-label': 'Close', title: 'Close (Esc)', onclick: () => void this.#leave() }, '×'),
			),
			message,
			this.#form.element,
			h('div', { class: 'actions' }, remove, h('span', { class: 'grow' }), save),
		);
		this.#parts = { form, message, save, version };
		this.#showVersion();
		form.addEventListener('submit', (event) => {
			event.preventDefault();
			void this.#submit();
		});
		form.addEventListener('input', () => this.#refreshState());
		this.#element.dataset.mode = 'record';
		this.#element.setAttribute('aria-label', row === null ? 'New record' : `Record ${row.reference}`);
		this.#element.replaceChildren(form);
		this.#refreshState();
	}

	#showVersion() {
		const version = this.#base?.row_version;
		this.#parts.version.textContent = version === undefined ? 'not saved yet' : `version ${version}`;
		this.#parts.version.dataset.version = version ?? '';
	}

	#refreshState() {
		this.#form.mark();
		const held = this.#saving || (this.#base !== null && this.#writes.of(this.#base.id) !== undefined);
		this.#parts.save.disabled = held || (this.#base !== null && !this.dirty);
	}

	#say(text, kind = 'info') {
		this.#news = null;
		const { message } = this.#parts;
		message.replaceChildren(text);
		message.dataset.kind = kind;
		message.hidden = text === '';
	}

	async #submit() {
		const { set, problems } = this.#form.changes();
		if (problems.size > 0) {
			this.#say('Nothing was saved yet: some fields need your attention.', 'problem');
			this.#form.show(problems);
		} else if (this.#base === null) {
			await this.#attempt(() => this.#writes.insert(set), (result) => this.#saved(result));
		} else if (Object.keys(set).length > 0) {
			await this.#update(this.#base, set);
		}
	}

	async #update(base, set) {
		await this.#attempt(() => this.#writes.update(base, set), (result) => this.#saved(result), async (conflict) => {
			const choice = await settleConflict({ records: this.#records, base, set, conflict });
			if (choice.action === 'theirs') {
				this.#reopen(choice.row, 'Your changes were dropped; this is the record as it is now.');
			} else if (choice.action === 'apply') {
				await this.#update(choice.row, choice.set);
			}
		});
	}

	async #delete() {
		const base = this.#base;
		const sure = await confirmed({ label: `Delete ${base.reference}?`, text: 'Everybody loses it at once.', yes: 'Delete', danger: true });
		if (!sure) {
			return;
		}
		const deleted = () => {
			toast(`${base.reference} was deleted.`);
			this.close();
		};
		await this.#attempt(() => this.#writes.delete(base), deleted, async (conflict) => {
			const row = await rowAtVersion(this.#records, base.id, conflict.current);
			this.#reopen(row, `${conflict.changedBy ?? 'Somebody'} changed this record meanwhile, so it was not deleted. Look again.`);
		});
	}

	#saved({ row, version, id }) {
		this.#reopen(row, `Saved as version ${version}.`);
		this.#callbacks.opened(id);
	}

	// Runs a write and tells how it went; when the person has turned to something else, in a message.
	async #attempt(write, done, onConflict) {
		const form = this.#form;
		this.#busy.add(form);
		const up = this.#db.state === 'connected' && this.#db.database === 'connected';
		this.#say(up ? 'Saving…' : 'There is no connection. This is sent when it is back; you can go on with other records.', up ? 'info' : 'warning');
		const base = this.#base;
		const { set } = form.changes();
		const title = base?.reference ?? set.reference;
		const writing = write();
		this.#refreshState();
		try {
			const result = await writing;
			this.#busy.delete(form);
			if (this.#form === form) {
				await done(result);
			} else {
				toast(`${title} was saved.`);
			}
		} catch (error) {
			this.#busy.delete(form);
			if (this.#form === form && error instanceof ConflictError && onConflict !== undefined) {
				this.#say('Nothing was saved: the record has changed since you opened it.', 'warning');
				await onConflict(error);
			} else if (this.#form === form) {
				this.#refuse(error);
			} else {
				this.#refuseElsewhere(title, error, base, set, onConflict);
			}
		} finally {
			if (this.#form === form && this.#form !== null) {
				this.#parts.save.disabled = this.#base !== null && !this.dirty;
				if (document.activeElement === document.body) {
					this.#parts.save.focus(); // a disabled button had lost the focus
				}
			}
		}
	}

	#refuse(error) {
		const { field, text } = explain(error);
		this.#say(`Nothing was saved. ${text}`, 'problem');
		if (field !== undefined) {
			this.#form.show(new Map([[field, text]]));
		}
	}

	// It waited, and meanwhile something else is on the screen.
	#refuseElsewhere(title, error, base, set, onConflict) {
		const compare = async () => {
			await this.open(base.id);
			if (this.#base?.id === base.id && !this.dirty) {
				this.#form.fill(set);
				await onConflict(error);
			}
		};
		const comparable = error instanceof ConflictError && onConflict !== undefined && base !== null;
		toast(`Your change of ${title} was not saved. ${explain(error).text}`, { kind: 'problem', label: 'Compare', undo: comparable ? () => void compare() : null });
	}

	#reopen(row, text) {
		if (row === undefined) {
			this.close();
			return;
		}
		this.#show(row);
		this.#say(text);
		if (!this.#element.contains(document.activeElement)) {
			$('.close', this.#element).focus(); // the button that had the focus is disabled now
		}
	}

	async #mayLeave() {
		return !this.dirty || confirmed({ label: 'Leave without saving?', text: 'What you typed in this record is lost.', yes: 'Leave' });
	}

	async #leave() {
		if (await this.#mayLeave()) {
			this.close();
		}
	}
}

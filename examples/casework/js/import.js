// Importing a CSV: choose or drop a file, see what is in it and what is wrong, then all of it in one transaction.

import { LockstepError } from '/client/lockstep.js';
import { count, h } from './dom.js';
import { TABLE } from './fields.js';
import { decode, loadParser, readRegistrations } from './csv.js';
import { toast } from './toast.js';

const LISTED = 200; // bad lines shown one by one

export class ImportDialog {
	constructor(db, records) {
		this.db = db;
		this.records = records;
		this.input = h('input', { type: 'file', accept: '.csv,text/csv', id: 'file', hidden: true });
		this.input.addEventListener('change', () => {
			const [file] = this.input.files;
			this.input.value = '';
			if (file !== undefined) {
				void this.open(file);
			}
		});
		document.body.append(this.input);
	}

	choose() {
		this.input.click();
	}

	/** Files may be dropped anywhere on the page. */
	acceptDrops(zone) {
		const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
		document.addEventListener('dragover', (event) => {
			if (carriesFile(event)) {
				event.preventDefault();
				zone.hidden = false;
			}
		});
		document.addEventListener('dragleave', (event) => {
			zone.hidden = zone.hidden || event.relatedTarget === null;
		});
		document.addEventListener('drop', (event) => {
			if (carriesFile(event)) {
				event.preventDefault();
				zone.hidden = true;
				void this.open(event.dataTransfer.files[0]);
			}
		});
	}

	/** Reads a file and shows what would be imported. */
	async open(file) {
		if (document.querySelector('dialog[open]') !== null) {
			return;
		}
		try {
			await this.records.ready(10_000);
			const Papa = await loadParser();
			const { text, encoding } = decode(await file.arrayBuffer());
			const taken = new Set([...this.records.rows.values()].map(({ reference }) => reference));
			this.#show(file.name, encoding, readRegistrations(Papa, text, taken));
		} catch (error) {
			toast(`The file could not be read: ${error.message}`, 'problem');
		}
	}

	#show(name, encoding, { rows, bad, problem }) {
		const message = h('p', { class: 'message', role: 'status', hidden: true });
		const say = (text, kind) => {
			message.textContent = text;
			message.dataset.kind = kind;
			message.hidden = false;
		};
		const close = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
		const start = h('button', { type: 'button', class: 'primary', id: 'import-start', disabled: rows.length === 0 }, this.#offer(rows, bad));
		start.addEventListener('click', async () => {
			start.disabled = true;
			say(`Importing ${count.format(rows.length)} records…`, 'info');
			try {
				await this.#import(name, rows);
				dialog.close();
				toast(`${count.format(rows.length)} records were imported.`);
			} catch (error) {
				start.disabled = false;
				say(explain(error, rows), 'problem');
			}
		});
		const dialog = h(
			'dialog',
			{ id: 'import-dialog', 'aria-labelledby': 'import-title' },
			h('h2', { id: 'import-title' }, `Import ${name}`),
			problem === null ? this.#summary(rows, bad, encoding) : h('p', { class: 'message', 'data-kind': 'problem' }, problem),
			bad.length === 0 ? null : badLines(bad),
			message,
			h('div', { class: 'actions' }, close, h('span', { class: 'grow' }), start),
		);
		dialog.addEventListener('close', () => dialog.remove());
		document.body.append(dialog);
		dialog.showModal();
	}

	#offer(rows, bad) {
		const records = `${count.format(rows.length)} ${rows.length === 1 ? 'record' : 'records'}`;
		return bad.length === 0 ? `Import ${records}` : `Import the ${records} without problems`;
	}

	#summary(rows, bad, encoding) {
		const found = `${count.format(rows.length)} good ${rows.length === 1 ? 'line' : 'lines'}`;
		const wrong = bad.length === 0 ? '' : `, ${count.format(bad.length)} with problems`;
		return h(
			'p',
			{},
			h('strong', {}, found + wrong),
			`. All records are added in one transaction: either every one of them appears, for everybody at once, or none. Nothing has been written yet.`,
			encoding === 'UTF-8' ? '' : ` The file is not UTF-8; it was read as ${encoding}.`,
		);
	}

	async #import(name, rows) {
		const operations = rows.map((row) => ({ op: 'insert', table: TABLE, row }));
		await this.db.write(operations, { reason: `import of ${name}` });
	}
}

function badLines(bad) {
	const items = bad.slice(0, LISTED).map(({ line, text, reasons }) =>
		h('tr', { 'data-line': line }, h('td', {}, String(line)), h('td', {}, reasons.join('; ')), h('td', { class: 'muted' }, text.slice(0, 120))),
	);
	const rest = bad.length > LISTED ? h('p', { class: 'muted' }, `… and ${count.format(bad.length - LISTED)} more.`) : null;
	const head = h('thead', {}, h('tr', {}, ...['Line', 'Problem', 'Text'].map((text) => h('th', { scope: 'col' }, text))));
	return h('div', { class: 'bad-lines' }, h('table', {}, head, h('tbody', {}, items)), rest);
}

function explain(error, rows) {
	if (!(error instanceof LockstepError)) {
		throw error;
	}
	const row = error.operation === undefined ? undefined : rows[error.operation];
	const which = row === undefined ? '' : ` at ${row.reference}`;
	return `Nothing was imported. The database refused${which}: ${error.message}.${error.hint ? ` ${error.hint}` : ''}`;
}

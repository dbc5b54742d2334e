// Importing a CSV: choose or drop a file, see what is in it and what is wrong, then all of it in one transaction.

import { LockstepError } from '/client/lockstep.js';
import { $, count, h, openDialog, plural } from './dom.js';
import { TABLE } from './fields.js';
import { explain } from './problems.js';
import { toast } from './toast.js';

export class ImportDialog {
	#db;
	#records;
	#input;

	constructor(db, records) {
		this.#db = db;
		this.#records = records;
		this.#input = h('input', { type: 'file', accept: '.csv,text/csv', id: 'file', hidden: true, 'aria-label': 'CSV file' });
		this.#input.addEventListener('change', () => {
			const [file] = this.#input.files;
			this.#input.value = '';
			if (file !== undefined) {
				void this.open(file);
			}
		});
		document.body.append(this.#input);
	}

	/** Whether an import is under way, which ends with the page. */
	busy = false;

	choose() {
		this.#input.click();
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
			if (!carriesFile(event)) {
				return;
			}
			event.preventDefault();
			zone.hidden = true;
			const { files } = event.dataTransfer;
			if (files.length > 1) {
				toast('Drop one file at a time.', { kind: 'problem' });
			} else if (files.length === 1) {
				void this.open(files[0]);
			}
		});
	}

	/** Reads a file and shows what would be imported. */
	async open(file) {
		if (document.querySelector('dialog[open]') !== null) {
			return;
		}
		const job = new Job(this.#db, this.#records, file);
		const imported = await openDialog({ id: 'import-dialog', label: `Import ${file.name}`, keep: () => job.keep() }, (close) => job.begin(close, (busy) => (this.busy = busy)));
		job.end();
		if (imported !== undefined) {
			toast(`${plural(imported, 'record was', 'records were')} imported.`);
		}
	}
}

/** One file's way through the dialog. */
class Job {
	#db;
	#records;
	#file;
	#worker = null;
	#rows = [];
	#lines = [];
	#mutation = crypto.randomUUID?.();
	#controller = null;
	#closed = false;
	#removers = [];
	#parts = {};

	constructor(db, records, file) {
		this.#db = db;
		this.#records = records;
		this.#file = file;
	}

	/** Escape while the import runs asks for its end, and does not close the dialog. */
	keep() {
		if (this.#controller === null) {
			return false;
		}
		this.#cancel();
		return true;
	}

	begin(close, busy) {
		this.#parts = {
			body: h('div', { class: 'import-body' }),
			progress: h('div', { class: 'progress', hidden: true }, h('label', { for: 'import-bar', id: 'import-stage' }), h('progress', { id: 'import-bar' })),
			message: h('p', { class: 'message', role: 'status', hidden: true }),
			cancel: h('button', { type: 'button', id: 'import-cancel' }, 'Cancel'),
			start: h('button', { type: 'button', class: 'primary', id: 'import-start', disabled: true }, 'Import'),
		};
		const { body, progress, message, cancel, start } = this.#parts;
		cancel.addEventListener('click', () => (this.#controller === null ? close() : this.#cancel()));
		start.addEventListener('click', async () => {
			busy(true);
			const done = await this.#import();
			busy(false);
			if (done) {
				close(this.#rows.length);
			}
		});
		void this.#read();
		return [body, progress, message, h('div', { class: 'actions' }, cancel, h('span', { class: 'grow' }), start)];
	}

	end() {
		this.#closed = true;
		this.#worker?.terminate();
		this.#removers.forEach((remove) => remove());
	}

	async #read() {
		this.#progress('Waiting for the records to compare with', 0, 0);
		try {
			await this.#records.ready(10_000);
		} catch (error) {
			this.#fail(`The file cannot be checked now: ${error.message}.`);
			return;
		}
		if (this.#closed) {
			return;
		}
		this.#worker = new Worker(new URL('./import_worker.js', import.meta.url));
		this.#worker.onerror = () => this.#fail('The CSV parser could not be loaded: run "npm ci" in examples/casework.');
		this.#worker.onmessage = ({ data }) => this.#heard(data);
		const taken = [...this.#records.rows.values()].map(({ reference }) => reference);
		this.#worker.postMessage({ file: this.#file, taken });
	}

	#heard({ progress, rows, lines, result, csv, failure }) {
		if (progress !== undefined) {
			this.#progress(progress.stage, progress.done, progress.total);
		} else if (rows !== undefined) {
			rows.forEach((row) => this.#rows.push(row));
			lines.forEach((line) => this.#lines.push(line));
		} else if (result !== undefined) {
			this.#review(result);
		} else if (csv !== undefined) {
			this.#save(csv);
		} else {
			this.#fail(`The file could not be read: ${failure}.`);
		}
	}

	#review({ bad, listed, problem, encoding }) {
		this.#parts.progress.hidden = true;
		const good = this.#rows.length;
		if (problem !== null) {
			this.#say(problem, 'problem');
			return;
		}
		const wrong = bad === 0 ? '' : `, ${count.format(bad)} with problems`;
		const summary = h(
			'p',
			{},
			h('strong', {}, `${plural(good, 'good line')}${wrong}`),
			'. All records are added in one transaction: either every one of them appears, for everybody at once, or none. Nothing has been written yet.',
			encoding === 'UTF-8' ? '' : ` The file is not UTF-8; it was read as ${encoding}.`,
		);
		this.#parts.body.replaceChildren(summary, ...(bad === 0 ? [] : this.#badLines(bad, listed)));
		const records = plural(good, 'record');
		this.#parts.start.textContent = bad === 0 ? `Import ${records}` : `Import the ${records} without problems`;
		this.#parts.start.disabled = good === 0;
		(good === 0 ? this.#parts.cancel : this.#parts.start).focus();
	}

	#badLines(bad, listed) {
		const items = listed.map(({ line, text, reasons }) =>
			h('tr', { 'data-line': line }, h('td', {}, String(line)), h('td', {}, reasons.join('; ')), h('td', { class: 'muted', title: text }, text.slice(0, 120))),
		);
		const head = h('thead', {}, h('tr', {}, ...['Line', 'Problem', 'Text'].map((text) => h('th', { scope: 'col' }, text))));
		const rest = bad > listed.length ? `Showing the first ${count.format(listed.length)} of ${count.format(bad)}. ` : '';
		const download = h('button', { type: 'button', class: 'link', id: 'import-download' }, 'Download the bad lines as CSV');
		download.addEventListener('click', () => this.#worker.postMessage({ list: true }));
		return [
			h('div', { class: 'bad-lines', tabindex: 0, role: 'region', 'aria-label': 'Lines with problems' }, h('table', {}, head, h('tbody', {}, items))),
			h('p', { class: 'muted' }, rest, download, ', with what is wrong with each.'),
		];
	}

	#save(csv) {
		const link = h('a', { href: URL.createObjectURL(new Blob([csv], { type: 'text/csv' })), download: this.#file.name.replace(/(\.csv)?$/i, '-problems.csv') });
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
	}

	// True when all records are in.
	async #import() {
		const { start, cancel, message } = this.#parts;
		this.#controller = new AbortController();
		start.disabled = true;
		message.hidden = true;
		cancel.focus();
		const total = this.#rows.length;
		this.#progress('Sending', 0, total);
		this.#removers.push(this.#db.on('state', ({ to }) => this.#connection(to)));
		try {
			const operations = this.#rows.map((row) => ({ op: 'insert', table: TABLE, row }));
			await this.#db.write(operations, {
				reason: `import of ${this.#file.name}`,
				mutation: this.#mutation,
				signal: this.#controller.signal,
				onProgress: ({ phase, done }) => this.#advanced(phase, done, total),
			});
			return true;
		} catch (error) {
			if (!(error instanceof LockstepError)) {
				throw error;
			}
			this.#refused(error);
			return false;
		} finally {
			this.#controller = null;
			this.#removers.forEach((remove) => remove());
			this.#removers = [];
		}
	}

	#advanced(phase, done, total) {
		if (phase === 'sending' && done < total) {
			this.#progress('Sending', done, total);
		} else if (phase === 'sending') {
			this.#progress('Sent. The database begins', total, total, 1);
		} else if (done < total) {
			this.#progress('Writing, in one transaction', done, total, 1);
		} else {
			this.#progress('Committing', 0, 0);
		}
	}

	#connection(state) {
		if (state === 'connected') {
			this.#parts.message.hidden = true;
		} else if (this.#controller !== null) {
			this.#say('There is no connection. The import goes on by itself when it is back; nothing is imported twice.', 'warning');
		}
	}

	#cancel() {
		this.#parts.cancel.disabled = true;
		this.#say('Cancelling…');
		this.#controller.abort();
	}

	#refused(error) {
		const { start, cancel, progress } = this.#parts;
		progress.hidden = true;
		start.disabled = false;
		cancel.disabled = false;
		if (error.code === 'cancelled') {
			this.#say('The import was cancelled. Nothing was imported.');
			return;
		}
		const row = error.operation === undefined ? undefined : this.#rows[error.operation];
		const which = row === undefined ? '' : ` at line ${this.#lines[error.operation]} (${row.reference})`;
		this.#say(`Nothing was imported. The database refused${which}: ${explain(error).text}`, 'problem');
	}

	// `part`: 0 for the first half of the bar, 1 for the second.
	#progress(stage, done, total, part = 0) {
		const bar = $('#import-bar') ?? $('progress', this.#parts.progress);
		this.#parts.progress.hidden = false;
		this.#parts.progress.querySelector('label').textContent = total > 0 ? `${stage}: ${count.format(done)} of ${count.format(total)}` : `${stage}…`;
		if (total === 0) {
			bar.removeAttribute('value');
		} else if (this.#controller === null) {
			Object.assign(bar, { max: total, value: done });
		} else {
			Object.assign(bar, { max: 2 * total, value: part * total + done });
		}
	}

	#fail(text) {
		this.#parts.progress.hidden = true;
		this.#say(text, 'problem');
	}

	#say(text, kind = 'info') {
		const { message } = this.#parts;
		message.textContent = text;
		message.dataset.kind = kind;
		message.hidden = false;
	}
}

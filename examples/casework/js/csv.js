// Reads a CSV of registrations: which lines are good, and what is wrong with the others. Nothing is written here.

import { FIELDS, read } from './fields.js';

const STEP = 2000; // records between two reports

/** Columns of the list of bad lines that an import offers: who corrects that file can import it as it is. */
export const IGNORED = ['line', 'problem'];

/** A file's text: UTF-8, or what spreadsheets on Windows write. */
export function decode(bytes) {
	try {
		return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'UTF-8' };
	} catch {
		return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'Windows-1252' };
	}
}

/**
 * @param Papa    the parser
 * @param taken   references that exist already, a Set
 * @param report  is told {done, total} of the records that are checked
 * @returns {rows: records to insert, lines: the line of each, bad: [{line, cells, reasons}], header,
 *           problem: why the file as a whole cannot be read}
 */
export function readRegistrations(Papa, text, taken, report = () => {}) {
	const { data, errors } = Papa.parse(text, { skipEmptyLines: false });
	const quotes = new Map(errors.filter(({ type }) => type === 'Quotes').map(({ row, message }) => [row, message]));
	const header = (data[0] ?? []).map((name) => name.trim().toLowerCase().replaceAll(' ', '_'));
	const problem = headerProblem(header);
	if (problem !== null) {
		return { rows: [], lines: [], bad: [], header, problem };
	}
	const rows = [];
	const lines = [];
	const bad = [];
	const seen = new Map(); // reference → line
	let line = 1 + breaks(data[0]);
	for (let n = 1; n < data.length; n++) {
		if (n % STEP === 0) {
			report({ done: n, total: data.length });
		}
		line++;
		const cells = data[n];
		const at = line;
		line += breaks(cells);
		if (cells.length === 1 && cells[0].trim() === '') {
			continue;
		}
		const reasons = quotes.has(n) ? [`a quote is not closed (${quotes.get(n)})`] : [];
		const row = reasons.length === 0 ? readLine(header, cells, reasons) : {};
		const { reference } = row;
		if (reference !== undefined && seen.has(reference)) {
			reasons.push(`reference "${reference}" is also on line ${seen.get(reference)}`);
		} else if (taken.has(reference)) {
			reasons.push(`reference "${reference}" exists already`);
		}
		if (reasons.length === 0) {
			rows.push(row);
			lines.push(at);
		} else {
			bad.push({ line: at, cells, reasons });
		}
		if (reference !== undefined && !seen.has(reference)) {
			seen.set(reference, at);
		}
	}
	return { rows, lines, bad, header, problem: rows.length + bad.length === 0 ? 'The file has no records below its header.' : null };
}

/** The bad lines as a CSV: where the file was such a list already, its old complaints give way to the new ones. */
export function problemsFile(Papa, { bad, header }) {
	const own = (cells) => cells.filter((_cell, n) => !IGNORED.includes(header[n]));
	return Papa.unparse([[...IGNORED, ...own(header)], ...bad.map(({ line, cells, reasons }) => [line, reasons.join('; '), ...own(cells)])]);
}

// Line breaks inside quoted cells, so that line numbers are those an editor shows.
function breaks(cells = []) {
	return cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
}

function headerProblem(header) {
	const names = FIELDS.map(({ name }) => name);
	const unknown = header.filter((name) => !names.includes(name) && !IGNORED.includes(name));
	const missing = FIELDS.filter(({ name, required, byDefault }) => required && byDefault === undefined && !header.includes(name));
	const twice = header.filter((name, n) => header.indexOf(name) !== n);
	if (header.length === 0 || (header.length === 1 && header[0] === '')) {
		return 'The file is empty.';
	}
	if (unknown.length > 0) {
		return `The first line names columns that do not exist: ${unknown.map((name) => `"${name}"`).join(', ')}. There are: ${names.join(', ')}.`;
	}
	if (missing.length > 0) {
		return `The first line lacks ${missing.map(({ name }) => name).join(', ')}.`;
	}
	return twice.length > 0 ? `The first line names ${twice.join(', ')} twice.` : null;
}

function readLine(header, cells, reasons) {
	if (cells.length !== header.length) {
		reasons.push(`has ${cells.length} cells where the header has ${header.length}`);
		return {};
	}
	const row = {};
	for (const field of FIELDS) {
		const at = header.indexOf(field.name);
		if (at < 0) {
			continue;
		}
		const text = cells[at];
		const { value, problem } = read(field, text.trim() === '' && field.byDefault !== undefined ? field.byDefault : text);
		if (problem === undefined) {
			row[field.name] = value;
		} else {
			reasons.push(`${field.label.toLowerCase()} ${problem}${text.trim() === '' ? '' : `, not "${text.trim()}"`}`);
		}
	}
	return row;
}

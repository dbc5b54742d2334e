// The fields of a registration: how each is shown, edited, read from a CSV, and what it may hold. The database has the
// last word (its CHECKs say the same); this is for telling people before they save.

import { parse } from '/client/lockstep.js';

export const TABLE = 'public.registration';
export const STATUSES = ['open', 'in progress', 'done', 'rejected'];
export const CATEGORIES = ['association', 'company', 'event', 'vehicle'];

/** kind: text | long | choice | amount | date | email */
export const FIELDS = [
	{ name: 'reference', label: 'Reference', kind: 'text', required: true, inTable: true },
	{ name: 'applicant', label: 'Applicant', kind: 'text', required: true, inTable: true },
	{ name: 'email', label: 'Email', kind: 'email' },
	{ name: 'category', label: 'Category', kind: 'choice', choices: CATEGORIES, required: true, inTable: true },
	{ name: 'amount', label: 'Amount', kind: 'amount', inTable: true },
	{ name: 'submitted', label: 'Submitted', kind: 'date', required: true, inTable: true },
	{ name: 'status', label: 'Status', kind: 'choice', choices: STATUSES, required: true, inTable: true, byDefault: 'open' },
	{ name: 'assigned_to', label: 'Assigned to', kind: 'text', inTable: true },
	{ name: 'note', label: 'Note', kind: 'long' },
];

const byName = new Map(FIELDS.map((field) => [field.name, field]));
export const fieldNamed = (name) => byName.get(name);

const money = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });

/** A value as people read it. */
export function shown(field, value) {
	if (value === null || value === undefined || value === '') {
		return '';
	}
	switch (field.kind) {
		case 'amount':
			// Intl rounds to a double what is not a plain number; an exact one is shown digit by digit.
			return typeof value === 'number' ? money.format(value) : String(value);
		case 'date':
			return day.format(new Date(`${value}T00:00:00Z`));
		default:
			return String(value);
	}
}

/** A value as an input holds it. */
export function edited(field, value) {
	if (value === null || value === undefined) {
		return '';
	}
	return field.kind === 'amount' && typeof value === 'number' ? value.toFixed(2) : String(value);
}

/** Reads an input's text: {value} or {problem}. Empty is NULL. */
export function read(field, text) {
	const trimmed = text.trim();
	if (trimmed === '') {
		return field.required ? { problem: 'is missing' } : { value: null };
	}
	switch (field.kind) {
		case 'choice':
			return field.choices.includes(trimmed) ? { value: trimmed } : { problem: `must be one of ${field.choices.join(', ')}` };
		case 'amount':
			return /^\d{1,12}(\.\d{1,2})?$/.test(trimmed)
				? { value: parse(trimmed.replace(/^0+(?=\d)/, '')) }
				: { problem: 'must be an amount such as 120.50' };
		case 'date':
			return isDate(trimmed) ? { value: trimmed } : { problem: 'must be a date such as 2026-11-20' };
		case 'email':
			return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(trimmed) ? { value: trimmed } : { problem: 'must be an address such as name@example.org' };
		default:
			return { value: trimmed };
	}
}

function isDate(text) {
	if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) {
		return false;
	}
	const date = new Date(`${text}T00:00:00Z`);
	return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** What a value is sorted by: a number, or text to be compared as it is; null for what is empty. */
export function sortKey(field, value) {
	if (value === null || value === undefined || value === '') {
		return null;
	}
	if (field.name === 'status') {
		return STATUSES.indexOf(value);
	}
	return field.kind === 'amount' ? Number(value) : folded(String(value));
}

// As people look things up: no case, no accents, numbers by their size. A comparison of such texts costs a hundredth of
// what Intl.Collator takes, which counts with 100,000 records.
function folded(text) {
	const plain = /^[\x20-\x7e]*$/.test(text) ? text : text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss');
	return plain.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

/** Whether two values of a field mean the same. */
export function equal(field, a, b) {
	return edited(field, a) === edited(field, b);
}

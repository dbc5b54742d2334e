// Which rows are shown, and in what order: pure functions of the rows and of what the person chose.

import { FIELDS, STATUSES, edited, fieldNamed } from './fields.js';

export const PAGE_SIZE = 40;

export function initialView() {
	return { status: 'all', search: '', sort: 'reference', descending: false, page: 0 };
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function compareBy(name) {
	const { kind } = fieldNamed(name);
	if (kind === 'amount') {
		return (a, b) => Number(a[name] ?? -1) - Number(b[name] ?? -1);
	}
	if (name === 'status') {
		return (a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status);
	}
	return (a, b) => collator.compare(a[name] ?? '', b[name] ?? '');
}

/** {rows of the page, total, pages, page, counts by status of what the search finds} */
export function select(live, view) {
	const words = view.search.toLowerCase().split(/\s+/).filter((word) => word !== '');
	const found = [];
	const counts = Object.fromEntries([['all', 0], ...STATUSES.map((status) => [status, 0])]);
	for (const row of live.values()) {
		if (!words.every((word) => matches(row, word))) {
			continue;
		}
		counts.all++;
		counts[row.status]++;
		if (view.status === 'all' || row.status === view.status) {
			found.push(row);
		}
	}
	const compare = compareBy(view.sort);
	const direction = view.descending ? -1 : 1;
	// The id decides between equals, so that rows do not dance when others change.
	found.sort((a, b) => direction * compare(a, b) || Number(a.id) - Number(b.id));
	const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
	const page = Math.min(view.page, pages - 1);
	return { rows: found.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE), total: found.length, pages, page, counts };
}

function matches(row, word) {
	return FIELDS.some((field) => edited(field, row[field.name]).toLowerCase().includes(word));
}

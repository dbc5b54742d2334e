// What the person chose to see, kept in the page's address: a reload keeps it, and a link shares it.
//
//   ?status=open&q=adler&sort=-amount&from=80&record=42

import { STATUSES, fieldNamed } from './fields.js';

/** {status, search, sort, descending, from, record} of an address; what it does not say, or says wrongly, is the default. */
export function readAddress(search) {
	const query = new URLSearchParams(search);
	const sort = query.get('sort') ?? 'reference';
	const column = sort.replace(/^-/, '');
	const status = query.get('status');
	return {
		status: STATUSES.includes(status) ? status : 'all',
		search: query.get('q') ?? '',
		sort: fieldNamed(column)?.inTable ? column : 'reference',
		descending: Boolean(fieldNamed(column)?.inTable) && sort.startsWith('-'),
		from: wholeNumber(query.get('from')) ?? 0,
		record: wholeNumber(query.get('record')),
	};
}

/** The address of a view; defaults are left out. */
export function writeAddress({ status, search, sort, descending, from, record }) {
	const query = new URLSearchParams();
	if (status !== 'all') {
		query.set('status', status);
	}
	if (search.trim() !== '') {
		query.set('q', search.trim());
	}
	if (sort !== 'reference' || descending) {
		query.set('sort', (descending ? '-' : '') + sort);
	}
	if (from > 0) {
		query.set('from', from);
	}
	if (record !== null) {
		query.set('record', record);
	}
	return query.size === 0 ? location.pathname : `?${query}`;
}

function wholeNumber(text) {
	return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

// A row's key in its three forms: as an object of the key columns (on the wire), as what `rows` is keyed by, and as
// what a caller may write.

import { ExactNumber, stringify } from './exact.js';
import { LockstepError } from './errors.js';

/** What `rows` is keyed by: the value of a single key column, or the JSON array of several in the key's order. */
export function mapKey(columns, values) {
	return columns.length === 1 ? scalar(values[columns[0]]) : stringify(columns.map((name) => values[name]));
}

// A Map compares objects by identity, so those become text.
function scalar(value) {
	if (value instanceof ExactNumber) {
		return value.text;
	}
	return value !== null && typeof value === 'object' ? stringify(value) : value;
}

export function isKeyObject(key) {
	return key !== null && typeof key === 'object' && !(key instanceof ExactNumber) && !(key instanceof Date);
}

/** The key columns of `row` as the wire wants them. */
export function keyObject(columns, row) {
	return Object.fromEntries(columns.map((name) => [name, row[name]]));
}

/** The wire's form of a key given as an object or, where the table has one key column, as its value. */
export function wireKey(columns, key, table) {
	if (isKeyObject(key)) {
		return key;
	}
	if (key === undefined || key === null) {
		throw new LockstepError({ code: 'usage', message: `no key given for a row of "${table}"` });
	}
	if (columns.length !== 1) {
		throw new LockstepError({
			code: 'usage',
			message: `table "${table}" has a key of ${columns.length} columns`,
			hint: `Pass the key as an object of ${columns.join(', ')}.`,
		});
	}
	return { [columns[0]]: key };
}

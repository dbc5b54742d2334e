// What changes do to the rows of a live table. Pure but for the Map it is given: apply() changes that in place and says
// what an onlooker of the rows would have seen, which is not always what the server's op says (an update of a row that
// was not here is an insert to the onlooker, a delete of one that was not here is nothing).

import { same } from './exact.js';
import { keyObject, mapKey } from './key.js';

/**
 * Applies one transaction.
 * @param rows     Map by key
 * @param key      names of the key columns
 * @param partial  whether updates carry only the columns that changed ("rows":"changed")
 * @returns seen: the transaction as seen, with changes {op, key, keyValues, version, row, old, at, actor, …};
 *          columns: the new columns when the table's shape changed, else null;
 *          gap: whether a change could not be applied, so that a new snapshot is needed
 */
export function apply(rows, key, transaction, partial) {
	const about = {
		xid: transaction.xid,
		at: transaction.at,
		actor: transaction.actor ?? null,
		client: transaction.client ?? null,
		reason: transaction.reason ?? null,
	};
	const seen = [];
	let columns = null;
	let gap = false;
	for (const change of transaction.changes) {
		if (change.op === 'schema') {
			columns = change.columns;
			continue;
		}
		const effect = OPS[change.op]?.(rows, key, change, partial);
		if (effect?.op === 'gap') {
			gap = true;
		} else if (effect) {
			seen.push({ ...effect, ...about });
		}
	}
	return { seen: { ...about, changes: seen }, columns, gap };
}

const OPS = {
	insert: (rows, key, change) => put(rows, key, change, 'insert'),
	enter: (rows, key, change) => put(rows, key, change, 'enter'),
	update: (rows, key, change, partial) => put(rows, key, change, 'update', partial),
	delete: (rows, key, change) => remove(rows, key, change, 'delete'),
	leave: (rows, key, change) => remove(rows, key, change, 'leave'),
	truncate(rows) {
		const count = rows.size;
		rows.clear();
		return { op: 'truncate', count };
	},
};

function put(rows, key, change, op, partial = false) {
	const id = mapKey(key, change.key ?? change.row);
	const before = rows.get(id);
	if (partial && before === undefined) {
		return { op: 'gap' }; // a part of a row that is not here: only a snapshot helps
	}
	const row = partial ? { ...before, ...change.row } : change.row;
	rows.set(id, row);
	const effect = { key: id, keyValues: change.key ?? keyObject(key, row), version: change.version, row };
	if (before === undefined) {
		return { op: op === 'update' ? 'enter' : op, ...effect };
	}
	return { op: 'update', ...effect, old: op === 'update' && change.old ? change.old : differences(before, row) };
}

function remove(rows, key, change, op) {
	const id = mapKey(key, change.key);
	const old = rows.get(id);
	if (!rows.delete(id)) {
		return null;
	}
	return { op, key: id, keyValues: change.key, version: change.version, old };
}

/** The columns of `before` whose values are others in `after`. */
export function differences(before, after) {
	const old = {};
	for (const name of Object.keys(before)) {
		if (!same(before[name], after[name])) {
			old[name] = before[name];
		}
	}
	return old;
}

/** Makes `rows` hold exactly `fresh` (an array of rows), in one step, and returns the changes an onlooker sees. */
export function swap(rows, key, fresh) {
	const next = new Map(fresh.map((row) => [mapKey(key, row), row]));
	const seen = [];
	for (const [id, old] of rows) {
		if (!next.has(id)) {
			seen.push({ op: 'leave', key: id, keyValues: keyObject(key, old), old });
		}
	}
	for (const [id, row] of next) {
		const before = rows.get(id);
		const effect = { key: id, keyValues: keyObject(key, row), row };
		if (before === undefined) {
			seen.push({ op: 'enter', ...effect });
		} else if (!same(before, row)) {
			seen.push({ op: 'update', ...effect, old: differences(before, row) });
		}
	}
	rows.clear();
	for (const [id, row] of next) {
		rows.set(id, row);
	}
	return seen;
}

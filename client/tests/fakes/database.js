// A database of one table in memory: rows {id, grp, val, row_version}, a log of transactions, and every state it ever had, so
// that a test can ask what the rows were at any position. Position "e1-7" means: era 1, the first 7 transactions.

export class FakeDatabase {
	era = 1;
	log = [];
	#states = [new Map()];
	mutations = new Map(); // mutation id → result

	get position() {
		return this.at(this.log.length);
	}

	at(count) {
		return `e${this.era}-${count}`;
	}

	/** How many transactions a position covers, or null when it is not one of this era. */
	count(position) {
		const match = /^e(\d+)-(\d+)$/.exec(position);
		return match && Number(match[1]) === this.era ? Number(match[2]) : null;
	}

	rowsAt(count, where = {}) {
		return new Map([...this.#states[count]].filter(([, row]) => matches(row, where)));
	}

	get rows() {
		return this.#states.at(-1);
	}

	/** Runs `edit(transaction)`, whose insert/update/delete/truncate/schema calls become one transaction. */
	commit(edit, about = {}) {
		const rows = new Map(this.rows);
		const changes = [];
		const put = (op, row, old) => {
			rows.set(row.id, row);
			changes.push({ op, key: { id: row.id }, version: row.row_version, row, ...(old && { old }) });
		};
		edit({
			insert: (row) => put('insert', { row_version: 1, ...row }),
			update: (id, set) => {
				const before = rows.get(id);
				const row = { ...before, ...set, row_version: before.row_version + 1 };
				const names = Object.keys(row).filter((name) => row[name] !== before[name]);
				put('update', row, Object.fromEntries(names.map((name) => [name, before[name]])));
			},
			delete: (id) => {
				const before = rows.get(id);
				rows.delete(id);
				changes.push({ op: 'delete', key: { id }, version: before.row_version, before });
			},
			truncate: () => {
				rows.clear();
				changes.push({ op: 'truncate' });
			},
			schema: (columns) => changes.push({ op: 'schema', columns }),
		});
		const xid = String(1000 + this.log.length);
		this.log.push({ xid, at: '2026-11-20T10:00:00.123456Z', actor: 'bob', client: 'c-bob', reason: null, ...about, changes });
		this.#states.push(rows);
		return xid;
	}

	/** Transactions after the first `from` up to `upto`, as a subscription with this filter sees them. */
	changes(from, upto, where = {}) {
		const seen = [];
		for (const transaction of this.log.slice(from, upto)) {
			const changes = transaction.changes.map((change) => judge(change, where)).filter((change) => change !== null);
			if (changes.length > 0) {
				seen.push({ ...transaction, changes });
			}
		}
		return seen;
	}

	/** The latest state of each row that changed between two counts, as one transaction (for sessions that are behind). */
	coalesced(from, upto, where = {}) {
		const before = this.rowsAt(from, where);
		const after = this.rowsAt(upto, where);
		const touched = this.changes(from, upto, {}).flatMap((transaction) => transaction.changes);
		const changes = [];
		const ids = touched.some(({ op }) => op === 'truncate') ? new Set([...before.keys(), ...after.keys()]) : new Set();
		touched.filter(({ key }) => key).forEach(({ key }) => ids.add(key.id));
		for (const id of ids) {
			const row = after.get(id);
			if (row !== undefined) {
				changes.push({ op: before.has(id) ? 'update' : 'enter', key: { id }, version: row.row_version, row });
			} else if (before.has(id)) {
				changes.push({ op: 'delete', key: { id } });
			}
		}
		return changes.length === 0 ? [] : [{ xid: null, at: this.log[upto - 1].at, changes }];
	}
}

function matches(row, where) {
	return Object.entries(where).every(([name, value]) => row[name] === value);
}

function judge({ before, ...change }, where) {
	switch (change.op) {
		case 'insert':
			return matches(change.row, where) ? change : null;
		case 'delete':
			return matches(before, where) ? change : null;
		case 'update': {
			const was = matches({ ...change.row, ...change.old }, where);
			const is = matches(change.row, where);
			if (was && is) {
				return change;
			}
			if (is) {
				return { op: 'enter', key: change.key, version: change.version, row: change.row };
			}
			return was ? { op: 'leave', key: change.key } : null;
		}
		default:
			return change;
	}
}

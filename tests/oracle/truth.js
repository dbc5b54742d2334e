// What was committed, by the writers' own account.
//
// A writer notes what each of its statements did, from RETURNING. Whether the transaction committed is known from the
// `ledger` row written in it, also when the answer to COMMIT was lost, and also when a crash took back an asynchronous
// commit that had been acknowledged (whose transaction number may then have been given to another).

import { canonical, parse } from '../harness/exact.js'

export class Truth {
	constructor() {
		this.noted = new Map() // tx → { tx, actor, changes }
		this.committed = new Map() // xid → the same, for transactions in the ledger
		this.count = { committed: 0, changes: 0 }
	}

	note(tx, actor, changes) {
		this.noted.set(tx, { tx, actor, changes })
	}

	/// Reads the ledger: to be called when no writer is at work.
	async settle(client) {
		const { rows } = await client.query('SELECT tx, xid FROM ledger')
		this.committed.clear()
		this.count = { committed: 0, changes: 0 }
		for (const { tx, xid } of rows) {
			const entry = this.noted.get(tx)
			if (!entry) throw new Error(`the ledger has a transaction ${tx} that no writer noted`)
			if (this.committed.has(xid)) throw new Error(`two committed transactions have the number ${xid}`)
			this.committed.set(xid, entry)
			this.count.committed += 1
			this.count.changes += entry.changes.length
		}
		return new Set(rows.map(({ tx }) => tx))
	}
}

/// A change as the writer saw it. `row` is the image as text, null where the writer does not know it.
export function change(table, op, key, version, row) {
	return { table, op, key: key && canonical(key), version: version === null ? null : String(version), row: row && canonical(parse(row)) }
}

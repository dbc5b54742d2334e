// What lockstep.changes() gave, as transactions; and what is wrong with it.

import { parse } from './exact.js'

export class Divergence extends Error {
	/// `xid`: the transaction concerned, if it is one.
	constructor(message, xid = null) {
		super(message)
		this.xid = xid
	}
}

/// Groups rows (all texts) by transaction: whole, in order, with the position on the last row and only there. `labelOf(row)` names its table;
/// nothing: nobody tracks that.
export function transactionsOf(rows, labelOf) {
	const list = []
	const ended = new Set()
	let open = null
	for (const row of rows) {
		if (open && row.xid !== open.xid) throw new Divergence(`transaction ${open.xid} has no position on its last row`, open.xid)
		if (ended.has(row.xid)) throw new Divergence(`transaction ${row.xid} comes in two parts`, row.xid)
		open ??= { xid: row.xid, changes: [], ordinal: -1, actor: row.actor, reason: row.reason, is_replica: row.actor === 'replica' }
		if (row.reason !== open.reason) throw new Divergence(`transaction ${row.xid}: its reason is ${open.reason}, and ${row.reason}`, row.xid)
		// Late changes share an ordinal.
		if (Number(row.ordinal) < open.ordinal) throw new Divergence(`transaction ${row.xid}: ordinal ${row.ordinal} after ${open.ordinal}`, row.xid)
		open.ordinal = Number(row.ordinal)
		if (row.omitted !== null && row.omitted !== '{}') throw new Divergence(`transaction ${row.xid}: omitted ${row.omitted}`, row.xid)
		const label = labelOf(row)
		if (!label) throw new Divergence(`transaction ${row.xid}: a change of ${row.table_name} (${row.relid}), which nobody tracks`, row.xid)
		open.changes.push({
			label,
			op: row.op,
			key: row.key && parse(row.key),
			version: row.version,
			row: row.row && parse(row.row),
			old: row.old && parse(row.old),
		})
		if (row.position !== null) {
			ended.add(row.xid)
			list.push({ ...open, position: row.position })
			open = null
		}
	}
	if (open) throw new Divergence(`transaction ${open.xid} has no position on its last row`, open.xid)
	return list
}

/// More transactions than it takes to have as many changes as were asked for?
export function judgePage(transactions, size) {
	if (size !== null && transactions.slice(0, -1).reduce((sum, { changes }) => sum + changes.length, 0) >= size) {
		throw new Divergence(`a page of ${size} has more transactions than needed: of ${transactions.map(({ changes }) => changes.length)} changes`)
	}
}

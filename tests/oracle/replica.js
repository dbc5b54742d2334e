// A reader's copy of a table, kept by applying what it is told, with suspicion: a change that does not fit the copy is a
// divergence. It also keeps every delivery, to be judged against what was committed.

import { canonical, parse, project } from '../harness/exact.js'
import { Divergence } from '../harness/feed.js'
import { version_column } from './schema.js'

export class Replica {
	/// `filter`: { where, sql } or null; `columns`: the columns asked for, or null for all.
	constructor(table, filter = null, columns = null) {
		this.table = table
		this.filter = filter
		this.columns = columns && [...new Set([...table.key, ...columns])]
		this.rows = null // key → { row, version }; null before the first state
		this.position = null
		this.deliveries = [] // since the last judgement
		this.seen = new Set() // transactions delivered since the last fresh state
		this.story = [] // what happened lately, for whoever must explain a divergence
		this.counts = { states: 0, resumed: 0, transactions: 0, changes: 0, coalesced: 0 }
	}

	describe() {
		const filter = this.filter ? ` where ${JSON.stringify(this.filter.where)}` : ''
		return `${this.table.name}${filter}${this.columns ? ` columns ${this.columns}` : ''}`
	}

	tell(event) {
		this.story.push(`${new Date().toISOString().slice(11, 23)} ${event}`)
		if (this.story.length > 25) this.story.shift()
	}

	/// Begins anew with a state read as of `position`.
	reset(rows, position) {
		this.rows = new Map()
		for (const row of rows) {
			const key = canonical(project(row, this.table.key))
			if (this.rows.has(key)) throw new Divergence(`the state has two rows with the key ${key}`)
			this.checkColumns(row, key)
			this.rows.set(key, { row, version: version_column in row ? canonical(row[version_column]) : null })
		}
		this.position = position
		this.seen.clear()
		this.counts.states += 1
	}

	forget() {
		this.rows = null
		this.position = null
	}

	/// Applies one whole transaction. `coalesced`: the changes are latest states, not single steps.
	apply({ xid, actor, changes, coalesced = false }) {
		if (coalesced) {
			this.counts.coalesced += 1
		} else {
			if (this.seen.has(xid)) throw new Divergence(`transaction ${xid} was delivered twice`)
			this.seen.add(xid)
			this.counts.transactions += 1
		}
		const delivered = []
		for (const each of changes) {
			try {
				this.step(each, coalesced)
			} catch (error) {
				if (error instanceof Divergence) error.message = `transaction ${xid} by ${actor}: ${error.message}`
				throw error
			}
			this.counts.changes += 1
			delivered.push({
				op: each.op,
				key: each.key ? canonical(each.key) : null,
				version: each.version == null ? null : String(each.version),
				row: each.row ? canonical(each.row) : null,
			})
		}
		if (!coalesced) this.deliveries.push({ xid, actor, changes: delivered })
	}

	step({ op, key, version, row, old }, coalesced) {
		if (op === 'truncate') {
			this.rows.clear()
			return
		}
		const name = key && canonical(key)
		if (!name) throw new Divergence(`${op} without a key`)
		const known = this.rows.get(name)
		const claimed = version == null ? null : String(version)
		const what = `${op} of ${name} version ${claimed}`
		switch (op) {
		case 'insert':
		case 'enter':
			if (known && !coalesced) throw new Divergence(`${what}: the row is there already, at version ${known.version}`)
			break
		case 'update':
			if (!known && !coalesced) throw new Divergence(`${what}: there is no such row`)
			if (!coalesced) this.checkUpdate(what, known, claimed, row, old ?? {})
			break
		case 'delete':
		case 'leave':
			if (!known && !coalesced) throw new Divergence(`${what}: there is no such row`)
			if (!coalesced && op === 'delete' && known.version !== null && claimed !== known.version) {
				throw new Divergence(`${what}: the row is at version ${known.version}`)
			}
			if (!coalesced && op === 'delete' && row && canonical(row) !== canonical(known.row)) {
				throw new Divergence(`${what}: its row is not the last one seen\n  known:   ${canonical(known.row)}\n  deleted: ${canonical(row)}`)
			}
			this.rows.delete(name)
			return
		default:
			throw new Divergence(`unknown op "${op}"`)
		}
		if (!row) throw new Divergence(`${what}: no row`)
		this.checkColumns(row, name)
		if (canonical(project(row, this.table.key)) !== name) throw new Divergence(`${what}: its row has another key: ${canonical(row)}`)
		this.rows.set(name, { row, version: claimed })
	}

	checkUpdate(what, known, claimed, row, old) {
		// One that asked for some columns need not hear of updates of the others.
		const fits = known.version === null || claimed === null ||
			(this.columns ? BigInt(claimed) > BigInt(known.version) : BigInt(claimed) === BigInt(known.version) + 1n)
		if (!fits) throw new Divergence(`${what}: the row is at version ${known.version}`)
		for (const [column, value] of Object.entries(old)) {
			if (column === version_column) continue
			if (!(column in known.row)) throw new Divergence(`${what}: "old" has the column ${column}, which the row has not`)
			if (canonical(known.row[column]) !== canonical(value)) {
				throw new Divergence(`${what}: "old" says ${column} was ${canonical(value)}, it was ${canonical(known.row[column])}`)
			}
		}
		for (const column of Object.keys(row ?? {})) {
			if (column === version_column || column in old) continue
			if (canonical(known.row[column] ?? null) !== canonical(row[column])) {
				throw new Divergence(`${what}: ${column} changed, and "old" does not tell from what`)
			}
		}
	}

	checkColumns(row, key) {
		if (!this.columns) return
		const names = Object.keys(row).sort().join()
		const wanted = [...this.columns].sort().join()
		if (names !== wanted) throw new Divergence(`the row ${key} has the columns ${names}, asked for were ${wanted}`)
	}

	// --- judgement, when nobody writes ------------------------------------------------------------------------

	/// Throws where the copy is not what a fresh SELECT says.
	async compare(client) {
		const { rows } = await client.query(
			`SELECT lockstep.image(t)::text AS image FROM ${this.table.name} t ${this.filter ? `WHERE ${this.filter.sql}` : ''}`)
		const fresh = new Map(rows.map(({ image }) => {
			const row = parse(image)
			return [canonical(project(row, this.table.key)), canonical(this.columns ? project(row, this.columns) : row)]
		}))
		for (const [key, row] of fresh) {
			const mine = this.rows.get(key)
			if (!mine) throw new Divergence(`the row ${key} is missing`)
			if (canonical(mine.row) !== row) throw new Divergence(`the row ${key} differs\n  client: ${canonical(mine.row)}\n  SELECT: ${row}`)
		}
		for (const key of this.rows.keys()) {
			if (!fresh.has(key)) throw new Divergence(`the row ${key} should not be there: ${canonical(this.rows.get(key).row)}`)
		}
	}

	/// Throws where a delivery is not what was committed. `truth.committed` must be fresh.
	judge(truth) {
		for (const { xid, actor, changes } of this.deliveries) {
			const entry = truth.committed.get(xid)
			if (!entry) throw new Divergence(`transaction ${xid} by ${actor} was delivered, and never committed: ${JSON.stringify(changes[0])}`)
			if (actor !== entry.actor) throw new Divergence(`transaction ${xid} is said to be by ${actor}, it was by ${entry.actor}`)
			const real = entry.changes.filter(({ table }) => table === this.table.name)
			if (this.filter) {
				for (const each of changes) {
					if (!real.some((one) => this.agrees(each, one))) throw unexplained(xid, each, real)
				}
			} else {
				this.wholeTransaction(xid, changes, real)
			}
		}
		this.deliveries = []
	}

	/// Without a filter, a transaction's changes are all there, once, each row's in order.
	wholeTransaction(xid, changes, real) {
		const all = this.columns === null // else updates of other columns need not come
		if (changes.length > real.length || (all && changes.length !== real.length)) {
			throw new Divergence(`transaction ${xid} has ${real.length} changes of ${this.table.name}, ${changes.length} were delivered`)
		}
		const left = [...real]
		for (const each of changes) {
			// The first that agrees, so that a row's changes must come in their order.
			const index = left.findIndex((one) => this.agrees(each, one))
			if (index < 0) throw unexplained(xid, each, real)
			const [found] = left.splice(index, 1)
			const passed = left.slice(0, index).find((one) => one.key === found.key && one.key !== null)
			if (passed && all) throw new Divergence(`transaction ${xid}: ${each.op} of ${each.key} version ${each.version} came before ${passed.op} version ${passed.version}`)
		}
	}

	agrees(delivered, real) {
		if (delivered.key !== real.key) return false
		if (delivered.version !== null && real.version !== null && delivered.version !== real.version) return false
		switch (delivered.op) {
		case 'enter': // an insert or an update, to one who filters
		case 'leave':
			if (real.op !== 'update' && real.op !== 'insert') return false
			break
		default:
			if (delivered.op !== real.op) return false
		}
		return delivered.op === 'leave' || delivered.row === null || this.sameRow(delivered.row, real.row)
	}

	sameRow(delivered, real) {
		if (!this.columns) return delivered === real
		return delivered === canonical(project(parse(real), this.columns))
	}
}

function unexplained(xid, delivered, real) {
	return new Divergence(`transaction ${xid}: this was delivered\n  ${JSON.stringify(delivered)}\nthese are its changes:\n` +
		real.map((one) => `  ${JSON.stringify(one)}`).join('\n'))
}

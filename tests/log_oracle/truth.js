// What was committed: by the witness tables, and by what the writers were told.

import { canonical, parse, project } from '../harness/exact.js'

/// Milliseconds that mean the same in all processes.
export const clock = () => Number(process.hrtime.bigint()) / 1e6

export class Truth {
	constructor(world) {
		this.world = world
		this.outcomes = new Map() // tx → { outcome, sent }
		this.known = new Set() // tx that were read from the witness
		this.transactions = new Map() // xid → { tx, saw, changes, shapes: [{ label, what }] } of those that changed something, since forget()
		this.crashed = 0 // when the last crash was over
		this.counts = { committed: 0, changes: 0, lost: 0 }
	}

	/// `outcome`: committed (acknowledged and durable), asynchronous (acknowledged, may be lost in a crash), rolled back, or unknown.
	/// `sent`: the moment before its end was asked for, by the clock that all processes share.
	note(tx, outcome, sent = clock()) {
		this.outcomes.set(tx, { outcome, sent })
	}

	/// Reads what is new in the witness. To be called when no writer is at work, and all readers have all there is (so that it is durable).
	async settle(client) {
		const { rows: deeds } = await client.query('SELECT tx, xid::text, saw::text FROM witness.deed')
		if (new Set(deeds.map(({ xid }) => xid)).size !== deeds.length) throw new Error('two committed transactions have one number')
		this.compareOutcomes(new Set(deeds.map(({ tx }) => tx)))
		const fresh = new Map(deeds.filter(({ tx }) => !this.known.has(tx)).map(({ tx, xid, saw }) => [xid, { tx, saw: saw?.match(/\d+/g) ?? [], changes: [], shapes: [] }]))
		for (const { tx } of deeds) this.known.add(tx)
		const xids = [...fresh.keys()]
		const { rows } = await client.query(
			`SELECT xid::text, label, op, replica::text, before::text, after::text FROM witness.change WHERE xid = ANY ($1::text[]::xid8[]) ORDER BY n`, [xids])
		for (const row of rows) fresh.get(row.xid).changes.push(...expected(this.world, row))
		const shapes = await client.query(`SELECT xid::text, label, what FROM witness.shape WHERE xid = ANY ($1::text[]::xid8[]) ORDER BY n`, [xids])
		for (const { xid, label, what } of shapes.rows) fresh.get(xid).shapes.push({ label, what })
		// The number of one that changed nothing may be lost in a crash, and given out again.
		for (const [xid, entry] of fresh) {
			if (entry.changes.length + entry.shapes.length > 0) this.transactions.set(xid, entry)
		}
		this.counts.committed += fresh.size
		this.counts.changes += rows.length
	}

	/// After all readers were judged by it: a transaction is delivered, and judged, once.
	forget() {
		this.transactions.clear()
	}

	compareOutcomes(alive) {
		for (const [tx, { outcome, sent }] of this.outcomes) {
			const is_alive = alive.has(tx)
			if (outcome === 'asynchronous' && !is_alive) this.counts.lost += 1
			if (outcome === 'committed' && !is_alive) throw new Error(`${tx} was committed, and is gone`)
			if (outcome === 'asynchronous' && !is_alive && sent > this.crashed) throw new Error(`${tx} was committed, nothing crashed, and it is gone`)
			if (outcome === 'rolled back' && is_alive) throw new Error(`${tx} was rolled back, and is there`)
		}
		this.outcomes.clear()
	}
}

/// The changes that lockstep has to deliver for one that the witness noted.
export function expected(world, { label, op, replica, before: before_text, after: after_text }) {
	const table = world.tables[label]
	const before = before_text === null ? null : parse(before_text)
	const after = after_text === null ? null : parse(after_text)
	const key = (row) => project(row, table.key.map(([name]) => name))
	const change = (kind, row, old) => ({ label, op: kind, key: key(row), version: canonical(row[table.version]), row, old, replica: replica === 'true' })
	switch (op) {
	case 'INSERT':
		return [change('insert', after, null)]
	case 'DELETE':
		return [change('delete', before, null)]
	case 'TRUNCATE':
		return [{ label, op: 'truncate', key: null, version: null, row: null, old: null }]
	case 'UPDATE': {
		if (canonical(key(before)) !== canonical(key(after))) return [change('delete', before, null), change('insert', after, key(before))]
		const names = Object.keys(before).filter((name) => canonical(before[name]) !== canonical(after[name]))
		return [{ ...change('update', after, project(before, names)), step: BigInt(after[table.version].text) - BigInt(before[table.version].text) }]
	}
	default:
		throw new Error(`the witness noted an unknown op "${op}"`)
	}
}

export function textOf({ label, op, key, version, row, old }) {
	return `${label} ${op} ${canonical(key)} version ${version} row ${canonical(row)} old ${canonical(old)}`
}

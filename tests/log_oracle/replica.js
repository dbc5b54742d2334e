// A reader's copy of all tables, kept by applying what it is told, with suspicion: what does not fit the copy is a divergence.

import { canonical, project } from '../harness/exact.js'
import { Divergence } from '../harness/feed.js'

export class Replica {
	constructor(world) {
		this.world = world
		this.tables = new Map(Object.keys(world.tables).map((label) => [label, null])) // null: not tracked, and so not known
	}

	/// Begins anew. `states`: label → rows, of the tables that are tracked.
	reset(states) {
		for (const label of this.tables.keys()) this.tables.set(label, label in states ? this.keyed(label, states[label]) : null)
	}

	keyed(label, list) {
		return new Map(list.map((row) => [this.keyOf(label, row), row]))
	}

	keyOf(label, row) {
		return canonical(project(row, this.world.tables[label].key.map(([name]) => name)))
	}

	/// Applies a transaction. `shapes`: what the witness says about its changes of shape, [{ label, what, before, after }].
	apply({ xid, changes, is_replica }, shapes = []) {
		const left = [...shapes]
		const reshaped = new Set() // tables whose last change was one of shape
		for (const change of changes) {
			try {
				if (change.op === 'schema') {
					if (!reshaped.has(change.label)) this.reshape(change.label, left)
					reshaped.add(change.label)
				} else {
					this.step(change)
					reshaped.delete(change.label)
				}
			} catch (error) {
				if (error instanceof Divergence) {
					error.message = `transaction ${xid}: ${error.message}`
					error.xid = xid
				}
				throw error
			}
		}
		if (!is_replica) this.checkLinks(xid, changes)
		if (left.length > 0) throw new Divergence(`transaction ${xid}: nothing told of ${left[0].what} of ${left[0].label}`, xid)
	}

	/// A row refers to one that is there, at the end of the transaction that made it do so. (No foreign key is checked for a replica's writes.)
	checkLinks(xid, changes) {
		for (const { label, op, key, old } of changes) {
			for (const { column, to } of this.world.tables[label].links) {
				const referenced = this.tables.get(to)
				const row = this.tables.get(label)?.get(canonical(key))
				const is_new = op === 'insert' ? old === null : op === 'update' && old && column in old
				if (!is_new || !referenced || !row || row[column] === null) continue
				if (!referenced.has(`{"id":${canonical(row[column])}}`)) {
					throw new Divergence(`transaction ${xid}: ${label} ${canonical(key)} refers to ${to} ${canonical(row[column])}, which was not delivered before`, xid)
				}
			}
		}
	}

	reshape(label, left) {
		const index = left.findIndex((shape) => shape.label === label)
		if (index < 0) throw new Divergence(`a schema change of ${label}, and there was none`)
		const [{ what, before, after }] = left.splice(index, 1)
		if (before === null && this.tables.get(label) !== null) throw new Divergence(`${label} was not tracked before ${what}, and this reader has it`)
		if (before !== null) {
			const difference = this.differenceFrom(label, before)
			if (difference) throw new Divergence(`before ${what} of ${label}, ${difference}`)
		}
		this.tables.set(label, after === null ? null : this.keyed(label, after))
	}

	step({ label, op, key, version, row, old }) {
		const rows = this.tables.get(label)
		if (!rows) throw new Divergence(`${op} of a row of ${label}, which is not tracked`)
		if (op === 'truncate') {
			rows.clear()
			return
		}
		const name = canonical(key)
		const known = rows.get(name)
		const what = `${op} of ${label} ${name} version ${version}`
		const fail = (message) => Object.assign(new Divergence(`${what}: ${message}`), { place: { label, key: name } })
		const version_column = this.world.tables[label].version
		if (!row) throw new Divergence(`${what}: no row`)
		if (this.keyOf(label, row) !== name) throw new Divergence(`${what}: its row has another key: ${canonical(row)}`)
		if (canonical(row[version_column]) !== version) throw new Divergence(`${what}: its row has version ${canonical(row[version_column])}`)
		if (op === 'insert') {
			if (known) throw fail(`the row is there already: ${canonical(known)}`)
			rows.set(name, row)
			return
		}
		if (!known) throw fail('there is no such row')
		// `old` over the new row must give the row that was known, to the letter.
		const previous = op === 'update' ? Object.assign(Object.create(null), row, old) : row
		if (canonical(previous) !== canonical(known)) {
			throw fail(`it does not continue the row that was known\n  known:    ${canonical(known)}\n  previous: ${canonical(previous)}`)
		}
		if (op === 'update') rows.set(name, row)
		else if (op === 'delete') rows.delete(name)
		else throw new Divergence(`unknown op "${op}"`)
	}

	/// Says how the copy of a table differs from `list`; null where it does not.
	differenceFrom(label, list) {
		const rows = this.tables.get(label)
		if (!rows) return `this reader has no copy of ${label}`
		const real = this.keyed(label, list)
		for (const [name, row] of real) {
			if (!rows.has(name)) return `the row ${label} ${name} is missing in the reader's copy: ${canonical(row)}`
			if (canonical(rows.get(name)) !== canonical(row)) {
				return `the row ${label} ${name} differs\n  copy: ${canonical(rows.get(name))}\n  real: ${canonical(row)}`
			}
		}
		for (const [name, row] of rows) {
			if (!real.has(name)) return `the row ${label} ${name} should not be in the reader's copy: ${canonical(row)}`
		}
		return null
	}

	/// `states`: label → rows as a SELECT gave them.
	compare(states) {
		for (const label of this.tables.keys()) {
			if (label in states) {
				const difference = this.differenceFrom(label, states[label])
				if (difference) throw new Divergence(difference)
			} else if (this.tables.get(label)) {
				throw new Divergence(`${label} is not tracked any more, and nothing told this reader`)
			}
		}
	}
}

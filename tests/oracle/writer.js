// A writer: random transactions on the tracked tables, and an exact note of what each did.

import { change } from './truth.js'
import { connectionLost, sleep } from './place.js'
import { Literal, parse, project } from '../harness/exact.js'
import { tables, version_column } from './schema.js'

// What a writer may be told when others write too; anything else is a finding.
const refusals = new Set(['40001', '40P01', '55P03', '23505', 'LS001'])

const operations = {
	insert: 30, upsert: 12, touch: 30, rewrite: 10, sweep: 3, nothing: 6, checked: 10, move: 7, remove: 14, come_and_go: 4, bulk: 0.4, truncate: 0.25,
}

export class Writer {
	constructor(name, place, random, truth) {
		this.name = name
		this.place = place
		this.random = random
		this.truth = truth
		this.serial = 0
		this.counter = 0
		this.stats = { committed: 0, rolled_back: 0, refused: 0, lost: 0 }
	}

	/// Writes until `resting()` says so. Rejects on what should not happen.
	async work(resting) {
		while (!resting()) {
			const client = await this.place.reconnect()
			try {
				// So that no writer waits for long behind a sleeping one.
				await client.query("SET lock_timeout = '2s'")
				while (!resting()) {
					await this.transaction(client)
					if (this.random.chance(0.5)) await sleep(this.random.int(0, 30))
				}
			} catch (error) {
				if (!connectionLost(error)) throw error
				this.stats.lost += 1
			} finally {
				await client.end().catch(() => {})
			}
		}
	}

	async transaction(client) {
		const { random } = this
		const tx = `${this.name}-${++this.serial}`
		const changes = []
		const isolation = random.chance(0.15) ? 'REPEATABLE READ' : 'READ COMMITTED'
		await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
		try {
			await client.query(`SELECT set_config('lockstep.actor', $1, true), set_config('lockstep.client', $2, true)`, [this.name, tx])
			if (random.chance(0.3)) await client.query('SET LOCAL synchronous_commit = off')
			// An early number that commits late is what naive readers miss.
			const early = random.chance(0.5)
			if (early) await this.enter(client, tx)
			await this.block(client, changes, random.int(1, 5), 0)
			if (!early) await this.enter(client, tx)
			if (random.chance(0.04)) await sleep(random.int(20, 900))
			if (random.chance(0.12)) {
				await client.query('ROLLBACK')
				this.stats.rolled_back += 1
				return
			}
			this.truth.note(tx, this.name, changes)
			await client.query('COMMIT')
			this.stats.committed += 1
		} catch (error) {
			if (!refusals.has(error.code)) throw error
			this.stats.refused += 1
			await client.query('ROLLBACK')
		}
	}

	enter(client, tx) {
		return client.query('INSERT INTO ledger VALUES ($1, pg_current_xact_id())', [tx])
	}

	/// Some operations, some of them in savepoints that are rolled back or released.
	async block(client, changes, length, depth) {
		for (let i = 0; i < length; i++) {
			if (depth < 3 && this.random.chance(0.25)) {
				await this.savepoint(client, changes, depth)
			} else {
				changes.push(...(await this.operation(client)))
			}
		}
	}

	async savepoint(client, changes, depth) {
		const name = `s${depth}`
		const inner = []
		await client.query(`SAVEPOINT ${name}`)
		let undo = this.random.chance(0.4)
		try {
			await this.block(client, inner, this.random.int(1, 3), depth + 1)
		} catch (error) {
			if (!refusals.has(error.code)) throw error
			undo = true
		}
		if (undo) {
			await client.query(`ROLLBACK TO SAVEPOINT ${name}`)
			if (this.random.chance(0.5)) await client.query(`RELEASE SAVEPOINT ${name}`)
			return
		}
		if (this.random.chance(0.7)) await client.query(`RELEASE SAVEPOINT ${name}`)
		changes.push(...inner)
	}

	operation(client) {
		const table = this.random.pick(Object.keys(tables))
		return this[this.random.weighted(operations)](client, tables[table])
	}

	// --- operations: each returns what it changed -------------------------------------------------------------

	insert(client, table) {
		const rows = Array.from({ length: this.random.chance(0.2) ? this.random.int(2, 6) : 1 }, () => this.row(table))
		const distinct = [...new Map(rows.map((row) => [JSON.stringify(this.keyOf(table, row)), row])).values()]
		// ON CONFLICT DO NOTHING, so that most multi-row inserts insert something.
		return this.change(client, table, 'insert', this.values(table, distinct), 'ON CONFLICT DO NOTHING')
	}

	async upsert(client, table) {
		const row = this.row(table)
		delete row[version_column] // begins at 1, so that a higher one tells an update from an insert
		const results = await this.query(client, table, this.values(table, [row]),
			`ON CONFLICT (${table.key.join(', ')}) DO UPDATE SET note = ${this.unique()}`)
		return results.map((result) => this.noteOf(table, result[version_column] === '1' ? 'insert' : 'update', result))
	}

	touch(client, table) {
		return this.change(client, table, 'update', `UPDATE ${table.name} AS t SET note = ${this.unique()} WHERE ${this.someKeys(table)}`)
	}

	rewrite(client, table) {
		const columns = { ...table.columns(this.random), note: undefined }
		const sets = Object.entries(columns).filter(([, value]) => value !== undefined).map(([name, value]) => `${name} = ${literal(value)}`)
		return this.change(client, table, 'update',
			`UPDATE ${table.name} AS t SET ${sets.join(', ')}, note = ${this.unique()} WHERE ${this.someKeys(table)}`)
	}

	sweep(client, table) {
		return this.change(client, table, 'update',
			`UPDATE ${table.name} AS t SET note = left(note, 20) || ${this.unique()} WHERE note < '${this.random.pick('bdhmt')}'`)
	}

	/// Updates that change nothing are no changes.
	async nothing(client, table) {
		await client.query(`UPDATE ${table.name} SET note = note WHERE ${this.someKeys(table)}`)
		return []
	}

	/// Claims a version: the current one, one that counts itself, or sometimes a stale one (LS001).
	async checked(client, table) {
		const { rows } = await client.query(`SELECT ${version_column} AS version FROM ${table.name} WHERE ${this.oneKey(table)}`)
		if (rows.length === 0) return []
		const claim = BigInt(rows[0].version) + BigInt(this.random.pick([0, 0, 1, 1, -1]))
		return this.change(client, table, 'update',
			`UPDATE ${table.name} AS t SET note = ${this.unique()}, ${version_column} = ${claim} WHERE ${this.last_key}`)
	}

	/// A key that changes is the end of one row and the begin of another.
	async move(client, table) {
		const condition = this.oneKey(table)
		const before = await client.query(
			`SELECT ${table.key.map((name) => `${name}::text`).join(', ')}, ${version_column}, lockstep.image(t)::text AS image
			 FROM ${table.name} t WHERE ${condition} FOR UPDATE`)
		if (before.rows.length === 0) return []
		const sets = Object.entries(table.moveKey(this.random)).map(([name, value]) => `${name} = ${value}`)
		const after = await this.query(client, table, `UPDATE ${table.name} AS t SET ${sets.join(', ')} WHERE ${condition}`)
		return [this.noteOf(table, 'delete', before.rows[0]), this.noteOf(table, 'insert', after[0])]
	}

	remove(client, table) {
		return this.change(client, table, 'delete', `DELETE FROM ${table.name} AS t WHERE ${this.someKeys(table)}`)
	}

	async come_and_go(client, table) {
		const changes = await this.insert(client, table)
		for (const { table: name, key } of [...changes]) {
			if (name !== table.name) throw new Error('an insert changed another table')
			const condition = Object.entries(parse(key)).map(([column, value]) => `${column} = ${literal(value)}`).join(' AND ')
			changes.push(...(await this.change(client, table, 'delete', `DELETE FROM ${table.name} AS t WHERE ${condition}`)))
		}
		return changes
	}

	/// More rows at once than anything in lockstep takes in one bite; the next time they go.
	bulk(client) {
		const table = tables.part
		return this.random.chance(0.5)
			? this.change(client, table, 'insert', `INSERT INTO ${table.name} AS t (code, number, quantity)
				SELECT 'bulk', n, n FROM generate_series(1, 2500) n ON CONFLICT DO NOTHING`)
			: this.change(client, table, 'delete', `DELETE FROM ${table.name} AS t WHERE code = 'bulk'`)
	}

	async truncate(client, table) {
		await client.query(`TRUNCATE ${table.name}`)
		return [change(table.name, 'truncate', null, null, null)]
	}

	// --- their parts ------------------------------------------------------------------------------------------

	async change(client, table, op, statement, suffix = '') {
		const results = await this.query(client, table, statement, suffix)
		return results.map((result) => this.noteOf(table, op, result))
	}

	/// `statement` calls its table t.
	async query(client, table, statement, suffix = '') {
		const { rows } = await client.query(`${statement} ${suffix}
			RETURNING ${table.key.map((name) => `t.${name}::text`).join(', ')}, t.${version_column}, lockstep.image(t)::text AS image`)
		return rows
	}

	noteOf(table, op, result) {
		return change(table.name, op, project(parse(result.image), table.key), result[version_column], result.image)
	}

	row(table) {
		const row = { ...table.randomKey(this.random), ...table.columns(this.random) }
		if (this.random.chance(0.1)) row[version_column] = String(this.random.int(10, 20) * 1000)
		return row
	}

	keyOf(table, row) {
		return table.key.map((name) => row[name])
	}

	values(table, rows) {
		const columns = [...table.key, ...Object.keys(table.columns(this.random)), version_column]
		const lines = rows.map((row) => `(${columns.map((name) => (name in row ? literal(row[name]) : 'DEFAULT')).join(', ')})`)
		return `INSERT INTO ${table.name} AS t (${columns.join(', ')}) VALUES ${lines.join(', ')}`
	}

	oneKey(table) {
		const key = table.randomKey(this.random)
		this.last_key = table.key.map((name) => `${name} = ${literal(key[name])}`).join(' AND ')
		return this.last_key
	}

	someKeys(table) {
		const keys = Array.from({ length: this.random.chance(0.3) ? this.random.int(2, 8) : 1 }, () => this.oneKey(table))
		return keys.map((condition) => `(${condition})`).join(' OR ')
	}

	/// A text that no row has yet: an update that sets it changes something.
	unique() {
		return literal(`${this.random.word(this.random.int(1, 12))} ${this.name}.${++this.counter}`)
	}
}

export function literal(value) {
	if (value === null) return 'NULL'
	if (value instanceof Literal) return value.text
	if (typeof value === 'boolean') return String(value)
	return `${String(value).includes('\\') ? 'E' : ''}'${String(value).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

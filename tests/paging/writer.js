// A session that writes: random transactions, one statement at a time, so that whoever drives it decides what happens in between.

import { quote } from '../log_oracle/values.js'
import { GROUPS, GROUP_SIZE } from './shelf.js'

export class Writer {
	/// `history`: has `claims` (groups of rows that an open transaction has to itself, so that nobody waits), `prepared`, `truth` and `counts`.
	constructor(name, client, random, history) {
		Object.assign(this, { name, client, random, history })
		this.number = 0
		this.savepoints = 0
		this.running = null // the transaction, as a generator of steps
		this.xid = null
	}

	/// One statement. False: the transaction has ended (or there was nothing that nobody else has).
	async step() {
		this.running ??= this.transaction()
		const { done } = await this.running.next()
		if (done) this.running = null
		return !done
	}

	run(sql) {
		return this.client.query(sql)
	}

	async *transaction() {
		const { random, history } = this
		this.groups = []
		if (!this.claim()) return
		const tx = `${this.name}-${++this.number}`
		await this.run(`SET synchronous_commit = ${random.pick(['on', 'off'])}; BEGIN`)
		if (random.chance(0.5)) await this.run("SET LOCAL lockstep.log_buffer_size = '64kB'")
		await this.run(`SET LOCAL lockstep.reason = '${tx}'`)
		const { rows } = await this.run(`INSERT INTO witness.deed VALUES ('${tx}', pg_current_xact_id()) RETURNING xid::text`)
		this.xid = rows[0].xid
		yield
		const kind = random.weighted({ short: 10, nested: 5, deep: 3, swarm: 2, large: 2, vain: 2 })
		history.counts[kind] += 1
		yield* this[kind]()
		yield* this.end(tx)
	}

	async *end(tx) {
		const { random, history } = this
		const how = random.weighted({ COMMIT: 70, ROLLBACK: 12, PREPARE: history.prepared.size < 4 ? 20 : 0 })
		history.counts[how] += 1
		this.xid = null
		if (how === 'PREPARE') {
			await this.run(`PREPARE TRANSACTION '${tx}'`)
			history.prepared.set(tx, this.groups)
			return
		}
		await this.run(how)
		history.truth.note(tx, how === 'COMMIT' ? 'committed' : 'rolled back')
		for (const group of this.groups) history.claims.delete(group)
	}

	/// Takes rows for this transaction, if there are any that no other has. It may have begun before the one that had them last.
	claim() {
		const { claims } = this.history
		const free = Array.from({ length: GROUPS }, (_, group) => group).filter((group) => !claims.has(group))
		if (free.length === 0) return false
		const group = this.random.pick(free)
		claims.add(group)
		this.groups.push(group)
		return true
	}

	// --- kinds of transactions --------------------------------------------------------------------------------

	async *short() {
		for (let i = this.random.int(1, 4); i > 0; i--) {
			await this.run(this.statement())
			yield
		}
	}

	/// Savepoints in savepoints, given up or kept, by hand and by an error.
	async *nested(depth = this.random.int(1, 4)) {
		const { random } = this
		const savepoint = `s${++this.savepoints}`
		await this.run(`SAVEPOINT ${savepoint}`)
		for (let i = random.int(1, 3); i > 0; i--) {
			await this.run(this.statement())
			yield
			if (depth > 0 && random.chance(0.6)) yield* this.nested(depth - 1)
		}
		switch (random.weighted({ keep: 4, release: 3, back: 3, fail: 2 })) {
		case 'release':
			await this.run(`RELEASE ${savepoint}`)
			break
		case 'back':
			await this.run(`ROLLBACK TO ${savepoint}`)
			if (random.chance(0.5)) await this.run(this.statement())
			break
		case 'fail':
			await this.run(this.failing()).then(() => {
				throw new Error('what should fail did not')
			}, (error) => {
				if (error.code !== '22012') throw error
			})
			await this.run(`ROLLBACK TO ${savepoint}`)
			break
		}
		yield
	}

	/// EXCEPTION blocks in EXCEPTION blocks.
	async *deep() {
		for (let i = this.random.int(1, 2); i > 0; i--) {
			await this.run(`DO $do$ BEGIN ${this.block(this.random.int(1, 4))} END $do$`)
			yield
		}
	}

	block(depth) {
		const { random } = this
		const some = () => Array.from({ length: random.int(1, 2) }, () => `${this.statement()};`).join('\n')
		return `${random.chance(0.5) ? some() : ''}
			BEGIN
				${some()}
				${depth > 0 ? this.block(depth - 1) : ''}
				${random.pick(['', '', "RAISE EXCEPTION 'given up';", `${this.failing()};`])}
			EXCEPTION WHEN OTHERS THEN
				${random.chance(0.5) ? some() : 'NULL;'}
			END;
			${random.chance(0.3) ? some() : ''}`
	}

	/// More sub-transactions than a snapshot lists, while others read.
	async *swarm() {
		const { random } = this
		const every = random.int(2, 5)
		await this.run(`DO $do$ BEGIN
			FOR turn IN 1 .. ${random.int(70, 150)} LOOP
				BEGIN
					${this.statement()};
					IF turn % ${every} = 0 THEN RAISE EXCEPTION 'given up'; END IF;
				EXCEPTION WHEN raise_exception THEN
					NULL;
				END;
			END LOOP;
		END $do$`)
		for (let i = random.int(1, 4); i > 0; i--) yield
		await this.run(this.statement())
		yield
	}

	/// Written to the log in parts, perhaps into several segments.
	async *large() {
		const { random } = this
		await this.run("SET LOCAL lockstep.log_buffer_size = '64kB'")
		for (let i = random.int(2, 5); i > 0; i--) {
			await this.run(this.many(random.int(60, 200), 600))
			yield
			if (random.chance(0.5)) yield* this.short()
		}
	}

	/// Writes parts to the log, and takes all of it back: only the marker of its end is left, or what comes behind.
	async *vain() {
		await this.run(`SET LOCAL lockstep.log_buffer_size = '64kB'; SAVEPOINT vain`)
		await this.run(this.many(150, 600))
		yield
		await this.run('ROLLBACK TO vain')
		yield
		if (this.random.chance(0.6)) yield* this.short()
	}

	// --- statements -------------------------------------------------------------------------------------------

	many(count, length) {
		return `INSERT INTO journal (part, note) SELECT ${this.random.pick(this.groups)}, repeat(chr(97 + i % 26), ${length}) FROM generate_series(1, ${count}) i`
	}

	id() {
		return this.random.pick(this.groups) * GROUP_SIZE + this.random.int(0, GROUP_SIZE - 1)
	}

	ids() {
		return Array.from({ length: this.random.int(1, 6) }, () => this.id()).join(', ')
	}

	/// Fails with 22012, after it has changed something.
	failing() {
		return `INSERT INTO journal (part, note) SELECT ${this.random.pick(this.groups)}, 'failing' || 1 / (3 - i) FROM generate_series(1, 3) i`
	}

	statement() {
		const { random } = this
		if (random.chance(0.2)) this.claim()
		const note = quote(random.word(random.int(0, 20)))
		switch (random.weighted({ insert: 25, update: 35, group: 8, remove: 10, move: 5, many: 10, clear: 3 })) {
		case 'insert':
			return `INSERT INTO item (id, note) SELECT DISTINCT i, ${note} FROM unnest(ARRAY[${this.ids()}]) i ON CONFLICT (id) DO UPDATE SET n = item.n + 1`
		case 'update':
			return `UPDATE item SET n = n + 1, note = ${note} WHERE id IN (${this.ids()})`
		case 'group':
			return `UPDATE item SET n = n + 1 WHERE id / ${GROUP_SIZE} = ${random.pick(this.groups)}`
		case 'remove':
			return `DELETE FROM item WHERE id IN (${this.ids()})`
		case 'move': {
			const [from, to] = [this.id(), this.id()]
			return `UPDATE item SET id = ${to}, n = n + 1 WHERE id = ${from} AND NOT EXISTS (SELECT FROM item WHERE id = ${to})`
		}
		case 'many':
			return this.many(random.int(2, 40), random.int(10, 900))
		case 'clear':
			return `DELETE FROM journal WHERE part = ${random.pick(this.groups)}`
		}
	}
}

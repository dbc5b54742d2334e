// A writer: random transactions, and how each of them ended, as far as it was told.

import { CopyIn, connectionLost, refusals, sleep } from './place.js'
import { block, flush, reshaping, statement } from './statements.js'
import { clock } from './truth.js'
import { quote, session_settings } from './values.js'

/// What a round is like. `unflushed`: nothing makes the WAL durable but what delivers it, and the crash comes before the WAL writer.
export const styles = {
	mixed: { synchronous: ['on', 'off', 'local'], rollback: 10, prepare: 8, flushing: true },
	off: { synchronous: ['off'], rollback: 10, prepare: 8, flushing: true },
	on: { synchronous: ['on'], rollback: 10, prepare: 8, flushing: true },
	unflushed: { synchronous: ['off'], rollback: 60, prepare: 0, flushing: false },
}

/// How the log is kept in a round. With `retires`, readers that are slow lose their place.
const kept = (size, age, retention, limit) => ({
	'lockstep.segment_size': size, 'lockstep.segment_age': age, 'lockstep.log_retention': retention, 'lockstep.max_log_size': limit,
	'lockstep.log_full': 'drop_oldest',
})
export const storages = {
	one: { settings: kept('256MB', '1d', '-1', '-1'), retires: false },
	tiny: { settings: kept('64kB', '1s', '-1', '-1'), retires: false },
	retained: { settings: kept('64kB', '1s', '2s', '-1'), retires: true },
	// Writers are refused now and then: run.js sets the limit.
	full: { settings: { ...kept('64kB', '1s', '-1', '-1'), 'lockstep.log_full': 'refuse' }, retires: false, refuses: true },
	capped: { settings: kept('128kB', '5s', '-1', '1MB'), retires: true },
}

export class Writer {
	constructor(name, world, place, random, truth) {
		Object.assign(this, { name, world, place, random, truth })
		this.serial = 0
		this.stats = { committed: 0, rolled_back: 0, refused: 0, prepared: 0, unknown: 0, reshaped: 0 }
		this.refused = {}
		this.style = styles.mixed
		this.may_lose_place = false // is the log retired behind whoever reads in it?
	}

	/// `truth`: whoever takes note of outcomes.
	/// `held`: what to wait for within each transaction, for one that is long open.
	async work(resting, held = null) {
		while (!resting()) {
			const client = await this.place.connect()
			try {
				await this.prepareSession(client)
				while (!resting()) {
					await this.transaction(client, held)
					if (this.random.chance(0.3)) await sleep(this.random.int(0, 40))
					if (this.random.chance(0.01)) break // another session
				}
			} catch (error) {
				// A cancel may hit the ROLLBACK too, or what comes before the first transaction: then another session.
				if (!connectionLost(error) && error.code !== '57014') {
					error.message = `${error.message} (${error.code ?? 'no code'}) in: ${this.last?.slice(0, 2000)}`
					throw error
				}
			} finally {
				await client.end().catch(() => {})
			}
		}
	}

	async prepareSession(client) {
		const { random } = this
		const settings = [`lock_timeout = '${random.pick([50, 200, 800])}ms'`, `application_name = 'writer ${this.name}'`]
		if (random.chance(0.4)) settings.push("lockstep.log_buffer_size = '64kB'")
		for (const [name, values] of Object.entries(session_settings)) {
			if (random.chance(0.5)) settings.push(`${name} = '${random.pick(values)}'`)
		}
		await client.query(settings.map((setting) => `SET ${setting}`).join('; '))
	}

	async transaction(client, held) {
		const { random } = this
		const tx = `${this.name}-${++this.serial}`
		const { style } = this
		const synchronous = random.pick(style.synchronous)
		const plan = {
			isolation: random.weighted({ 'READ COMMITTED': 85, 'REPEATABLE READ': 12, SERIALIZABLE: 3 }),
			end: random.weighted({ commit: 78, rollback: style.rollback, prepare: held ? 0 : style.prepare }),
			early: random.chance(0.5),
		}
		this.reshaped = new Set()
		this.truncates = false
		this.truth.note(tx, 'unknown')
		try {
			await this.run(client, `BEGIN ISOLATION LEVEL ${plan.isolation}; SET LOCAL synchronous_commit = ${synchronous}; SET LOCAL lockstep.actor = '${this.name}'; SET LOCAL lockstep.reason = '${tx}'`)
			if (random.chance(0.06)) await this.run(client, 'SET LOCAL session_replication_role = replica; SET LOCAL lockstep.actor = replica')
			if (random.chance(0.05)) await this.run(client, `SET LOCAL statement_timeout = '${random.int(1, 60)}ms'`)
			if (plan.early || held) await this.enter(client, tx)
			await this.block(client, held ? 1 : random.int(1, 5), 0, plan)
			if (!plan.early && !held) await this.enter(client, tx)
			if (random.chance(0.03)) await sleep(random.int(20, 700))
			if (held) {
				// Often all of its changes are in the log long before it ends: then nothing but a marker says when it did.
				if (random.chance(0.7)) await this.run(client, flush(random, this.world))
				await held()
			}
			if (plan.end !== 'rollback') await this.run(client, `UPDATE witness.deed SET saw = witness.others() WHERE tx = ${quote(tx)}`)
			if (plan.end === 'rollback') {
				await this.run(client, 'ROLLBACK')
				this.ended(tx, 'rolled_back', 'rolled back')
			} else if (plan.end === 'prepare' && this.reshaped.size === 0 && !this.truncates) {
				await this.prepare(client, tx)
			} else {
				const sent = clock()
				await this.run(client, 'COMMIT')
				this.ended(tx, 'committed', synchronous === 'off' ? 'asynchronous' : 'committed', sent)
			}
		} catch (error) {
			// Under REPEATABLE READ a position can be as old as the transaction.
			if (error.code === '53400' && error.message !== 'the change log is full') throw error
			const is_refused = refusals.has(error.code) || (error.code === 'LS004' && this.may_lose_place)
			if (!is_refused) {
				if (connectionLost(error)) this.stats.unknown += 1
				throw error
			}
			this.refused[error.code] = (this.refused[error.code] ?? 0) + 1
			await client.query('ROLLBACK')
			this.ended(tx, 'refused', 'rolled back')
		}
	}

	ended(tx, counter, outcome, sent) {
		this.stats[counter] += 1
		this.truth.note(tx, outcome, sent)
	}

	/// Some are ended at once, by this session; the others wait for whoever resolves them, through crashes.
	async prepare(client, tx) {
		await this.run(client, `PREPARE TRANSACTION '${tx}'`)
		this.stats.prepared += 1
		if (this.random.chance(0.5)) return
		await resolvePrepared(client, this.truth, tx, this.random.chance(0.7))
	}

	run(client, sql) {
		this.last = sql
		return client.query(sql)
	}

	enter(client, tx) {
		return this.run(client, `INSERT INTO witness.deed VALUES (${quote(tx)}, pg_current_xact_id())`)
	}

	/// Operations, some of them in savepoints that are released or rolled back, in any order.
	async block(client, length, depth, plan) {
		const { random } = this
		for (let i = 0; i < length; i++) {
			if (depth < 4 && random.chance(0.25)) await this.savepoints(client, depth, plan)
			else await this.operation(client, plan)
		}
	}

	async savepoints(client, depth, plan) {
		const { random } = this
		const open = []
		for (let i = random.int(1, 3); i > 0; i--) {
			const name = `s${depth}_${i}`
			await this.run(client, `SAVEPOINT ${name}`)
			open.push(name)
			try {
				await this.block(client, random.int(0, 2), depth + 1, plan)
			} catch (error) {
				if (!refusals.has(error.code) || error.code === '25P02') throw error
				await this.run(client, `ROLLBACK TO SAVEPOINT ${name}`)
			}
		}
		// Back to any of them, which takes away those after it; and perhaps on from there, and back again.
		while (open.length > 0 && random.chance(0.5)) {
			const at = random.int(0, open.length - 1)
			if (random.chance(0.6)) {
				await this.run(client, `ROLLBACK TO SAVEPOINT ${open[at]}`)
				open.length = at + 1
				if (random.chance(0.4)) {
					try {
						await this.operation(client, plan)
					} catch (error) {
						if (!refusals.has(error.code)) throw error
						await this.run(client, `ROLLBACK TO SAVEPOINT ${open[at]}`)
					}
				}
			} else {
				await this.run(client, `RELEASE SAVEPOINT ${open[at]}`)
				open.length = at
			}
		}
	}

	async operation(client, plan) {
		const { random, world } = this
		const may_reshape = plan.isolation === 'READ COMMITTED' && !this.truncates && this.style.flushing
		if (may_reshape && random.chance(0.025)) return this.reshape(client)
		if (random.chance(0.12)) return this.run(client, block(random, world))
		const made = statement(random, world)
		if (made.truncates && (this.reshaped.size > 0 || !this.style.flushing)) return undefined
		if (made.hopeful && plan.isolation !== 'READ COMMITTED') return undefined
		this.truncates ||= made.truncates === true
		if (!made.copy) return this.run(client, made.sql)
		this.last = `${made.copy}\n${made.data}`
		const copy = new CopyIn(made.copy, made.data)
		client.query(copy)
		return copy.done
	}

	/// What fires no row trigger, and what the table held before and after.
	async reshape(client) {
		const { table, what, sql, tracked } = reshaping(this.random, this.world)
		const { relid } = table
		if (this.reshaped.has(table.label)) return
		this.reshaped.add(table.label)
		await this.run(client, `LOCK TABLE ${table.name} IN ACCESS EXCLUSIVE MODE`)
		const { rows: [now] } = await this.run(client, `SELECT EXISTS (SELECT FROM lockstep.tracked WHERE relid = ${relid})::text AS tracked`)
		if (now.tracked === (what === 'track' ? 'true' : 'false')) return // it has changed meanwhile
		await this.run(client, `INSERT INTO witness.shape (xid, label, what, before)
			VALUES (pg_current_xact_id(), '${table.label}', ${quote(what)}, ${what === 'track' ? 'NULL' : `witness.rows(${relid})`})`)
		await this.run(client, sql)
		// track() itself tells readers nothing.
		if (what === 'track') await this.run(client, `ALTER TABLE ${table.name} ALTER COLUMN note SET STATISTICS ${this.random.int(50, 100)}`)
		await this.run(client, `UPDATE witness.shape SET done = true, after = ${tracked ? `witness.rows('${what === 'rename_table' ? relid : table.name}'::regclass)` : 'NULL'}
			WHERE xid = pg_current_xact_id() AND label = '${table.label}' AND NOT done`)
		this.stats.reshaped += 1
	}
}

/// Ends a prepared transaction, from any session.
export async function resolvePrepared(client, truth, tx, commit) {
	try {
		await client.query(`${commit ? 'COMMIT' : 'ROLLBACK'} PREPARED '${tx}'`)
		truth.note(tx, commit ? 'committed' : 'rolled back')
	} catch (error) {
		// Somebody else was faster, or it is still the writer's.
		if (!['42704', '55000', '57014'].includes(error.code)) throw error
	}
}

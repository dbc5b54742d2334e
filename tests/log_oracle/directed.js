// Directed rounds: schedules that chance seldom finds, each visited in every run. One thing happens after the other, and nobody else writes,
// as everything else that becomes durable would hide what must not be lost. What comes out is judged as ever.

import { connectionLost, refusals } from './place.js'
import { flush, fulfilling, hopeful, statement } from './statements.js'
import { clock } from './truth.js'
import { quote } from './values.js'

const modest = { insert: 4, update: 6, upsert: 3, remove: 1, move_key: 1, update_many: 1 }

/// One transaction, step by step.
class Act {
	constructor(stage, synchronous) {
		Object.assign(this, { stage, synchronous, tx: `directed-${++stage.serial}` })
	}

	async begin() {
		const { place, truth } = this.stage
		this.client = await place.connect()
		truth.note(this.tx, 'unknown')
		await this.run(`BEGIN; SET LOCAL synchronous_commit = ${this.synchronous}; SET LOCAL lock_timeout = '300ms'; SET LOCAL lockstep.actor = 'directed'; SET LOCAL lockstep.reason = '${this.tx}'`)
		await this.run(`INSERT INTO witness.deed VALUES (${quote(this.tx)}, pg_current_xact_id())`)
		return this
	}

	run(sql) {
		return this.client.query(sql)
	}

	/// False: it was refused, as others are in its way, and is rolled back.
	async may(sql) {
		try {
			await this.run(sql)
			return true
		} catch (error) {
			if (connectionLost(error) || !refusals.has(error.code)) throw error
			await this.rollback()
			return false
		}
	}

	/// At least one change, perhaps of a row that others know.
	async change() {
		const { random, world } = this.stage
		const made = statement(random, world, modest)
		await this.run('SAVEPOINT s')
		try {
			await this.run(made.sql)
		} catch (error) {
			if (!refusals.has(error.code)) throw error
			await this.run('ROLLBACK TO SAVEPOINT s')
		}
		await this.run(`INSERT INTO ${world.tables.journal.name} (note) VALUES ('directed')`)
	}

	async commit() {
		await this.run(`UPDATE witness.deed SET saw = witness.others() WHERE tx = '${this.tx}'`)
		const sent = clock()
		if (!(await this.may('COMMIT'))) return
		this.stage.truth.note(this.tx, this.synchronous === 'off' ? 'asynchronous' : 'committed', sent)
		await this.client.end()
	}

	async rollback() {
		await this.run('ROLLBACK')
		this.stage.truth.note(this.tx, 'rolled back')
		await this.client.end()
	}
}

export class Directed {
	constructor(place, world, truth, readers, random, faults, say) {
		Object.assign(this, { place, world, truth, readers, random, faults, say })
		this.serial = 0
		this.counts = Object.fromEntries(Object.keys(schedules).map((name) => [name, 0]))
	}

	async work(over) {
		await this.place.insist((client) => this.world.names(client))
		const names = Object.keys(schedules).map((name) => [this.random.next(), name]).sort((a, b) => a[0] - b[0])
		for (const [, name] of names) {
			if (over()) return
			// What another process writes in between can spoil it.
			let came_about = false
			for (let attempt = 0; attempt < 8 && !came_about; attempt++) {
				if (over()) return
				this.say(`directed: ${name}`)
				came_about = await schedules[name](this)
			}
			if (!came_about) throw new Error(`"${name}" could not be brought about`)
			this.counts[name] += 1
		}
	}

	async act(synchronous) {
		return new Act(this, synchronous).begin()
	}

	async committed(synchronous, count = 1) {
		for (let i = 0; i < count; i++) {
			const act = await this.act(synchronous)
			await act.change()
			await act.commit()
		}
	}

	/// The next number is the last of those whose commits the server keeps one WAL position for: the worker's asynchronous commit, which follows
	/// each other, would have all become durable that is delivered then.
	async align() {
		await this.burn(31 - Number((await this.next()) % 32n))
	}

	async burn(count) {
		const client = await this.place.connect()
		for (let i = 0; i < count; i++) await client.query('BEGIN; SELECT pg_current_xact_id(); ROLLBACK')
		await client.end()
	}

	async rolledBack(count) {
		for (let i = 0; i < count; i++) {
			const act = await this.act('off')
			await act.change()
			await act.rollback()
		}
	}

	/// Asynchronous ones, the last of which nothing has made durable. False: that could not be had.
	async pending() {
		for (let attempt = 0; attempt < 20; attempt++) {
			await this.committed('off', this.random.int(1, 2))
			if (await this.isPending()) return true
		}
		return false
	}

	/// Is the end of the WAL unwritten, with room on its page? (A page that is full is written.)
	isPending() {
		return this.place.insist(async (client) => {
			const { rows: [{ pending }] } = await client.query(`SELECT (pg_current_wal_lsn() < pg_current_wal_insert_lsn()
				AND (pg_current_wal_insert_lsn() - '0/0') % current_setting('wal_block_size')::integer BETWEEN 100 AND 5000)::text AS pending`)
			return pending === 'true'
		})
	}

	/// Each reader. `how` names a method of it.
	async read(how) {
		const ends = await Promise.allSettled(this.readers.map((reader) => reader.once(how)))
		const failed = ends.find(({ status }) => status === 'rejected')
		if (failed) throw failed.reason
	}

	/// Were numbers lost with it, which are given out again, and not only to lockstep's own processes?
	async crash() {
		const before = await this.next()
		await this.faults.happen('everything killed')
		return (await this.next()) + 8n < before
	}

	/// The number that would be given out now.
	next() {
		return this.place.insist(async (client) => {
			const { rows: [{ next }] } = await client.query('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next')
			return BigInt(next)
		})
	}
}

/// More than lockstep's own processes take when the server starts.
const many = 16

/// After a crash: transactions with numbers that were given out before. What a position wrongly covers is missed, or comes too early.
async function reuse(stage, count = many / 2) {
	await stage.committed('on', count)
	await stage.read('toMarks')
	await stage.read('gulp')
	await stage.read('compare') // before anybody begins anew, and forgets it
}

// Each says whether it came to what it is for.
const schedules = {
	/// Numbers of transactions that were rolled back, above all that is durable, are given out again: no position may count them as seen.
	'numbers below changes()': async (stage) => {
		await stage.read('gulp')
		await stage.align()
		await stage.committed('on')
		await stage.rolledBack(stage.random.int(0, 2))
		await stage.burn(many)
		await stage.read('gulp')
		const again = await stage.crash()
		await reuse(stage)
		return again
	},
	'numbers below position()': async (stage) => {
		await stage.committed('on')
		await stage.rolledBack(stage.random.int(0, 2))
		await stage.burn(many)
		await stage.read(stage.random.pick(['mark', 'begin']))
		await stage.crash()
		await reuse(stage)
		return true // these are durable
	},
	/// What was delivered, or counted as seen, survives. What nobody was told of may go.
	'asynchronous, delivered': async (stage) => {
		const pending = await stage.pending()
		await stage.read('gulp')
		await stage.crash()
		await reuse(stage, 6)
		return pending
	},
	'asynchronous, seen by a position': async (stage) => {
		const pending = await stage.pending()
		await stage.read(stage.random.pick(['mark', 'begin']))
		await stage.crash()
		await reuse(stage, 6)
		return pending
	},
	/// The one with the lesser number is committed later, and is not durable when the other is.
	'asynchronous, overtaken': async (stage) => {
		const slow = await stage.act('off')
		await slow.change()
		await stage.committed('on')
		await slow.commit()
		const pending = await stage.isPending()
		await stage.read('gulp')
		await stage.crash()
		await reuse(stage, 6)
		return pending
	},
	/// All of its changes are in the log before others begin, and it is committed after them: it may depend on them.
	'written early, committed late': async (stage) => {
		const { random, world } = stage
		await stage.read('gulp')
		const early = await stage.act(random.pick(['on', 'off']))
		await early.change()
		await early.run(flush(random, world))
		await stage.committed(random.pick(['on', 'off']), random.int(1, 3))
		await early.commit()
		await stage.read('gulp')
		return true
	},
	/// The same by a foreign key that is checked at commit. (Where it is checked at once, or the row is there, it fails or proves nothing.)
	'referring early, fulfilled late': async (stage) => {
		const { random, world } = stage
		await stage.read('gulp')
		const id = random.int(500, 503)
		const early = await stage.act('on')
		if (!(await early.may(hopeful(random, world, id)))) return true
		const other = await stage.act('on')
		if (await other.may(fulfilling(world, id))) await other.commit()
		await early.commit()
		await stage.read('gulp')
		return true
	},
}

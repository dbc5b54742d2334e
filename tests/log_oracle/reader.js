// A reader: state and position in one snapshot, then its own chain of positions, in bites of random kind and size.

import { parse } from '../harness/exact.js'
import { Divergence, judgePage, transactionsOf } from '../harness/feed.js'
import { Chain } from './chain.js'
import { connectionLost, passing, sleep } from './place.js'

const columns = `xid::text, ordinal::text, relid::text, table_name, op, key::text, version::text, row::text, old::text, omitted::text, position::text, actor, reason`

export class Reader {
	constructor(name, world, place, random) {
		Object.assign(this, { name, world, place, random })
		this.may_lose_place = false // is the log retired behind the readers?
		this.chain = new Chain(world)
		this.flushing = true // may it do what makes WAL durable beyond what it was given?
		this.marks = [] // positions taken alone, with the transactions that their snapshot showed
		this.story = []
		this.labelOf = ({ relid }) => world.labels.get(relid)
		this.stats = { calls: 0, transactions: 0, changes: 0, again: 0, begun: 0, lost_place: 0, compared: 0, marks: 0, own: 0 }
	}

	tell(event) {
		this.story.push(`${new Date().toISOString().slice(11, 23)} ${event}`)
		if (this.story.length > 30) this.story.shift()
	}

	/// Reads until `resting()` says so, then on until there is nothing more and its copy equals the tables.
	async read(resting) {
		let done = false
		while (!done) {
			const client = await this.place.connect()
			try {
				await client.query(`SET lock_timeout = '3s'; SET timezone = 'UTC'; SET synchronous_commit = ${this.random.pick(['on', 'off'])}`)
				while (!done) {
					try {
						done = await this.step(client, resting())
					} catch (error) {
						if (error.code === 'LS004' && this.may_lose_place) {
							this.stats.lost_place += 1
							this.tell(`loses its place: ${error.detail}`)
							this.chain.position = null
						} else if (!passing.has(error.code)) {
							throw error
						}
						await client.query('ROLLBACK')
					}
					if (!resting()) await sleep(this.random.int(0, this.random.chance(0.1) ? 2500 : 150))
				}
			} catch (error) {
				if (!connectionLost(error) && error.code !== '57014') throw error // a cancel may hit the ROLLBACK too
			} finally {
				await client.end().catch(() => {})
			}
		}
	}

	/// One step of a directed schedule. `how` names a method.
	async once(how) {
		const client = await this.place.connect()
		try {
			await client.query("SET lock_timeout = '3s'; SET timezone = 'UTC'; SET synchronous_commit = off")
			if (this.chain.position === null) await this.begin(client)
			else await this[how](client)
		} catch (error) {
			throw Object.assign(error, { reader: this.name })
		} finally {
			await client.end().catch(() => {})
		}
	}

	/// All there is, and no more becomes durable than this does.
	async gulp(client) {
		this.take(await this.changes(client, '$1::lockstep.position', [this.chain.position]))
	}

	async toMarks(client) {
		while (this.marks.length > 0) await this.toMark(client)
	}

	async step(client, resting) {
		const { random } = this
		if (this.chain.position === null) {
			await this.begin(client)
			return false
		}
		if (resting) {
			// Another reader's last mark may yet be committed: what was read before that is not all.
			if (this.place.marking > 0) {
				await sleep(10)
				return false
			}
			const count = await this.bite(client, random.chance(0.5))
			if (count > 0) return false
			await this.compare(client)
			this.marks = []
			return true
		}
		if (!this.flushing) {
			await this.bite(client, random.chance(0.5))
			return false
		}
		const kinds = { bite: 50, compare: 7, mark: 8, to_mark: 8, behind: 2, stored: 5, frozen: 5, begin: 0.7 }
		switch (random.weighted(kinds)) {
		case 'bite': await this.bite(client, random.chance(0.8)); break
		case 'compare': await this.compare(client); break
		case 'mark': await this.mark(client); break
		case 'to_mark': await this.toMark(client); break
		case 'behind': await this.behind(client); break
		case 'stored': await this.stored(client); break
		case 'frozen':
			await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
			await this.bite(client, true, 'COMMIT')
			break
		case 'begin': await this.begin(client); break
		}
		return false
	}

	/// Locks all tables before the snapshot: a TRUNCATE that commits after it would show through it.
	async snapshot(client) {
		await this.world.names(client)
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
		await client.query(`LOCK TABLE ${Object.values(this.world.tables).map(({ name }) => name).join(', ')} IN ACCESS SHARE MODE`)
	}

	async states(client) {
		const { rows } = await client.query('SELECT label, witness.rows(relid)::text AS rows FROM lockstep.tracked JOIN witness.relation USING (relid)')
		return Object.fromEntries(rows.map(({ label, rows: list }) => [label, parse(list)]))
	}

	/// The transactions in the snapshot that changed something. (The number of one that did not may be given out again after a crash.)
	async seen(client) {
		const { rows } = await client.query('SELECT xid::text FROM witness.change UNION SELECT xid::text FROM witness.shape')
		return new Set(rows.map(({ xid }) => xid))
	}

	async begin(client) {
		await this.snapshot(client)
		const { rows: [{ position }] } = await client.query('SELECT lockstep.position()::text AS position')
		const states = await this.states(client)
		const already = await this.seen(client)
		await client.query('COMMIT')
		this.chain.begin(position, states, already)
		this.marks = []
		this.stats.begun += 1
		this.tell(`begins at ${position}`)
	}

	/// One call of changes(); what it gives is taken over, sometimes only a part. Returns how many rows there were.
	async bite(client, paged, then = null) {
		const { random } = this
		const size = paged ? random.pick([1, 2, 3, 10, 50, 300]) : null
		const upto = this.flushing && random.chance(0.2) ? 'lockstep.position()' : 'NULL'
		const transactions = await this.changes(client, `$1::lockstep.position, ${upto}, $2`, [this.chain.position, size])
		if (then) await client.query(then)
		judgePage(transactions, size)
		// A part of what was read is thrown away and read again.
		const kept = random.chance(0.25) ? transactions.slice(0, random.int(0, transactions.length)) : transactions
		this.stats.again += transactions.length - kept.length
		this.take(kept)
		return transactions.length
	}

	async changes(client, arguments_, values) {
		const { rows } = await client.query(`SELECT ${columns} FROM lockstep.changes(${arguments_})`, values)
		this.stats.calls += 1
		// One that was made again has a new number. (What was delivered is durable.)
		if (rows.some(({ relid }) => !this.world.labels.has(relid))) await this.place.insist((other) => this.world.names(other))
		const transactions = transactionsOf(rows, this.labelOf)
		this.tell(`changes(${arguments_}) ${values.join(' ')}: ${transactions.map(({ xid, changes }) => `${xid}×${changes.length}`).join(' ')}`)
		const reshaping = transactions.filter(({ changes }) => changes.some(({ op }) => op === 'schema')).map(({ xid }) => xid)
		if (reshaping.length > 0) {
			// In a transaction of its own: a snapshot of before would not show it. (What was delivered is durable.)
			const found = await this.place.insist((other) => other.query(
				`SELECT xid::text, label, what, before::text, after::text FROM witness.shape WHERE xid = ANY ($1::text[]::xid8[]) AND done ORDER BY n`, [reshaping]))
			for (const transaction of transactions) {
				transaction.shapes = found.rows.filter(({ xid }) => xid === transaction.xid)
					.map(({ label, what, before, after }) => ({ label, what, before: before && parse(before), after: after && parse(after) }))
			}
		}
		return transactions
	}

	take(transactions) {
		for (const transaction of transactions) {
			this.chain.take(transaction, transaction.shapes)
			this.stats.transactions += 1
			this.stats.changes += transaction.changes.length
		}
	}

	/// State and changes up to it in one snapshot: the copy must be the state.
	async compare(client) {
		await this.snapshot(client)
		const { rows: [{ position }] } = await client.query('SELECT lockstep.position()::text AS position')
		const states = await this.states(client)
		const transactions = await this.changes(client, '$1, $2', [this.chain.position, position])
		await client.query('COMMIT')
		this.take(transactions)
		this.chain.replica.compare(states)
		this.stats.compared += 1
	}

	/// A position taken alone, to be used later, perhaps after a crash.
	async mark(client) {
		this.place.marking += 1
		try {
			await this.markNow(client)
		} finally {
			this.place.marking -= 1
		}
	}

	async markNow(client) {
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
		const own = this.flushing && this.random.chance(0.3) ? await this.write(client) : null
		const { rows: [{ position }] } = await client.query('SELECT lockstep.position()::text AS position')
		const seen = await this.seen(client)
		await client.query('COMMIT')
		seen.delete(own) // its own transaction counts as not seen
		this.marks.push({ position, seen })
		if (this.marks.length > 6) this.marks.splice(this.random.int(0, 5), 1)
		this.tell(`marks ${position}`)
	}

	async write(client) {
		const tx = `${this.name}-${++this.stats.own}`
		await client.query(`SET LOCAL lockstep.reason = '${tx}'; INSERT INTO ${this.world.tables.journal.name} (note) VALUES ('mark')`)
		const { rows } = await client.query('INSERT INTO witness.deed VALUES ($1, pg_current_xact_id()) RETURNING xid::text', [tx])
		return rows[0].xid
	}

	/// Reads up to a mark: then it has what the mark's snapshot showed, and this call gave nothing else.
	async toMark(client) {
		if (this.marks.length === 0) return
		const [mark] = this.marks.splice(this.random.int(0, this.marks.length - 1), 1)
		const transactions = await this.changes(client, '$1, $2', [this.chain.position, mark.position])
		for (const { xid } of transactions) {
			if (!mark.seen.has(xid)) throw new Divergence(`transaction ${xid} was delivered up to ${mark.position}, whose snapshot did not show it`, xid)
		}
		this.take(transactions)
		const missing = [...mark.seen].filter((xid) => !this.chain.delivered.has(xid) && !this.chain.already.has(xid))
		this.stats.marks += 1
		if (missing.length > 0) throw new Divergence(`transaction ${missing[0]} was in the snapshot of ${mark.position}, and is not delivered up to it`, missing[0])
	}

	/// A position from before the one that was reached covers nothing new.
	async behind(client) {
		const { rows: [{ position }] } = await client.query('SELECT lockstep.position()::text AS position')
		await this.bite(client, false)
		const transactions = await this.changes(client, '$1, $2', [this.chain.position, position])
		// (Where the bite was thrown away in part, there is something.)
		this.take(transactions)
	}

	/// The position goes through a column of its type, and may wait there for the next restart.
	async stored(client) {
		await client.query(`INSERT INTO witness.bookmark VALUES ($1, $2) ON CONFLICT (reader) DO UPDATE SET position = EXCLUDED.position`, [this.name, this.chain.position])
		const transactions = await this.changes(client, `(SELECT position FROM witness.bookmark WHERE reader = $1)`, [this.name])
		this.take(transactions)
	}

	summary() {
		return Object.entries(this.stats).map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`).join(', ')
	}
}

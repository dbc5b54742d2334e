// One history: who does what in which order is the seed's alone. Sessions take turns, one statement each, so a seed repeats a failure.

import { Divergence } from '../harness/feed.js'
import { Truth } from '../log_oracle/truth.js'
import { Pager } from './pager.js'
import { Shelf } from './shelf.js'
import { Writer } from './writer.js'

export class History {
	constructor(place, random, turns) {
		Object.assign(this, { place, random, turns })
		this.world = new Shelf()
		this.truth = new Truth(this.world)
		this.claims = new Set()
		this.prepared = new Map() // transaction → its groups
		this.counts = {
			short: 0, nested: 0, deep: 0, swarm: 0, large: 0, vain: 0, COMMIT: 0, ROLLBACK: 0, PREPARE: 0, truncated: 0, vacuums: 0, own: 0,
			in_parts: 0, in_segments: 0, closed: 0, pages: 0, cut: 0, cursors: 0, left_early: 0, walks: 0, fixed: 0, late: 0,
		}
		this.pagers = []
	}

	async run() {
		const stream = (name) => this.random.stream(`${this.random.seed}/${name}`)
		const client = (this.client = await this.place.connect())
		await client.query(`BEGIN; CREATE EXTENSION lockstep; ${this.world.sql()}; COMMIT`)
		await this.world.names(client)
		const writers = []
		for (let i = 0; i < 5; i++) writers.push(new Writer(`w${i}`, await this.place.connect(), stream(`writer ${i}`), this))
		// The last is slow: what it began is open for most of the history.
		const paces = Object.fromEntries(writers.map((_, i) => [i, i === 4 ? 0.3 : 3]))
		this.start = (await client.query('SELECT lockstep.position()::text AS position')).rows[0].position
		this.pagers = Array.from({ length: 3 }, (_, i) => this.pager(`reader ${i}`, stream(`reader ${i}`)))
		// Fewer sessions than readers: they find what others left in them.
		const sessions = [await this.place.connect(), await this.place.connect()].map((session) => ({ client: session, look: null }))
		const { random } = this
		for (let turn = 0; turn < this.turns; turn++) {
			switch (random.weighted({ write: 60, read: 30, resolve: 4, maintain: 3, truncate: 1, vacuum: 1, own: 3 })) {
			case 'write': await writers[random.weighted(paces)].step(); break
			case 'read': await this.readOn(random.pick(sessions)); break
			case 'resolve': await this.resolve(); break
			case 'maintain': await client.query('SELECT lockstep.maintain()'); break
			case 'truncate': await this.truncate(turn); break
			case 'vacuum':
				// Not to wait for who holds a segment, and will not let go meanwhile.
				await client.query('VACUUM (TRUNCATE false) lockstep.change')
				this.counts.vacuums += 1
				break
			case 'own': await this.readOwn(random.pick(writers)); break
			}
		}
		for (const session of sessions) while (session.look) await this.readOn(session)
		for (const writer of writers) while (writer.running) await writer.step()
		while (this.prepared.size > 0) await this.resolve()
		await this.judge(sessions.map((session) => session.client), stream('end'))
		for (const each of [client, ...writers.map((writer) => writer.client), ...sessions.map((session) => session.client)]) await each.end()
	}

	/// One that begins with empty tables.
	pager(name, random) {
		const pager = new Pager(name, this.world, this.place, random)
		pager.chain.begin(this.start, Object.fromEntries(Object.keys(this.world.tables).map((label) => [label, []])), new Set())
		return pager
	}

	/// Goes on with the look of a session, or begins one, of a reader that has none elsewhere.
	async readOn(session) {
		if (!session.look) {
			const idle = this.pagers.filter(({ is_looking }) => !is_looking)
			session.pager = this.random.pick(idle)
			session.pager.is_looking = true
			session.look = session.pager.look(session.client)
		}
		const { done } = await this.told(session.pager, () => session.look.next())
		if (done) {
			session.look = null
			session.pager.is_looking = false
		}
	}

	async told(pager, work) {
		try {
			return await work()
		} catch (error) {
			if (error instanceof Divergence) error.reader = pager
			throw error
		}
	}

	async resolve() {
		if (this.prepared.size === 0) return
		const [tx, groups] = this.random.pick([...this.prepared])
		const commit = this.random.chance(0.75)
		await this.client.query(`${commit ? 'COMMIT' : 'ROLLBACK'} PREPARED '${tx}'`)
		this.truth.note(tx, commit ? 'committed' : 'rolled back')
		this.prepared.delete(tx)
		for (const group of groups) this.claims.delete(group)
	}

	/// At once, as nobody could read the table meanwhile.
	async truncate(turn) {
		const tx = `truncate ${turn}`
		await this.client.query(`BEGIN; SET LOCAL lockstep.reason = '${tx}'; INSERT INTO witness.deed VALUES ('${tx}', pg_current_xact_id());
			INSERT INTO alone SELECT ${turn} * 10 + i, 'before' FROM generate_series(1, 3) i; TRUNCATE alone; INSERT INTO alone VALUES (${turn} * 10, 'after'); COMMIT`)
		this.truth.note(tx, 'committed')
		this.counts.truncated += 1
	}

	/// A transaction that has written reads: its own changes are not among what it is given, and come after the position that it takes.
	async readOwn(writer) {
		if (!writer.xid) return
		const own = writer.xid
		const { rows: given } = await writer.client.query(`SELECT xid::text FROM lockstep.changes($1)`, [this.start])
		if (given.some(({ xid }) => xid === own)) throw new Divergence(`transaction ${own} was given its own changes`, own)
		const { rows: [{ position, sees, count }] } = await writer.client.query(
			`SELECT p::text AS position, lockstep.sees(p, pg_current_xact_id())::text AS sees, (SELECT count(*)::text FROM lockstep.changes($1, p)) AS count FROM lockstep.position() p`, [this.start])
		if (sees !== 'false') throw new Divergence(`the position that transaction ${own} took sees it`, own)
		if (Number(count) !== given.length) throw new Divergence(`transaction ${own} was given ${given.length} changes, and ${count} up to the position it took then`, own)
		const pager = this.random.pick(this.pagers)
		pager.marks.push({ position, seen: new Set(given.map(({ xid }) => xid)) })
		this.counts.own += 1
	}

	async judge(sessions, random) {
		await this.count(this.client)
		await this.truth.settle(this.client)
		// Those that read all the time; then some that begin now, and walk all of it in pages of one size, in one session by turns.
		const late = [1, 2, 17, 500, null].map((size) => ({ size, pager: this.pager(`pages of ${size}`, random) }))
		for (const pager of this.pagers) {
			await this.told(pager, async () => {
				await pager.drain(sessions[0], pager.size())
				await pager.compare(sessions[0])
				pager.chain.judge(this.truth)
			})
		}
		const walks = late.map(({ pager, size }) => ({ pager, size, rest: true }))
		while (walks.some(({ rest }) => rest)) {
			const walk = random.pick(walks.filter(({ rest }) => rest))
			await this.told(walk.pager, async () => {
				const rows = await walk.pager.ask(sessions[1], walk.size)
				walk.pager.receive(rows, `page of ${walk.size}`)
				walk.rest = rows.length > 0
			})
		}
		for (const { pager } of walks) {
			await this.told(pager, async () => {
				await pager.compare(sessions[0])
				pager.chain.judge(this.truth)
			})
		}
		for (const pager of [...this.pagers, ...late.map((each) => each.pager)]) {
			for (const name of ['pages', 'cut', 'cursors', 'left_early', 'walks', 'fixed']) this.counts[name] += pager.stats[name]
		}
	}

	/// What of the difficult there was.
	async count(client) {
		const { rows: [found] } = await client.query(`
			SELECT count(*) FILTER (WHERE parts) AS in_parts, count(*) FILTER (WHERE segments > 1) AS in_segments, sum(late) AS late,
				(SELECT count(*) FROM lockstep.segment WHERE closed_at IS NOT NULL) AS closed
			FROM (SELECT bool_or(op = 'm') AS parts, count(DISTINCT segment) AS segments, count(*) FILTER (WHERE ordinal < before) AS late
				FROM (SELECT c.*, max(ordinal) OVER (PARTITION BY xid, root, key ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM lockstep.change c) c
				GROUP BY xid) t`)
		for (const [name, number] of Object.entries(found)) this.counts[name] = Number(number)
	}
}

// A reader that pages: each look is a generator of steps, so that others write, and read in the same session, between two of them.

import { Divergence, judgePage, transactionsOf } from '../harness/feed.js'
import { Reader } from '../log_oracle/reader.js'

const columns = 'xid::text, seq::text, ordinal::text, relid::text, table_name, op, key::text, version::text, row::text, old::text, omitted::text, position::text, actor, reason'

/// What is whole of rows that end anywhere.
const wholeOf = (rows) => rows.slice(0, rows.findLastIndex(({ position }) => position !== null) + 1)

export class Pager extends Reader {
	constructor(name, world, place, random) {
		super(name, world, place, random)
		Object.assign(this.stats, { pages: 0, cut: 0, cursors: 0, left_early: 0, walks: 0, fixed: 0 })
	}

	size() {
		return this.random.pick([1, 1, 2, 3, 7, 20, 100, 1000])
	}

	/// A look of any kind.
	look(client) {
		const { random } = this
		const kind = random.weighted({ page: 30, cursor: 14, walk: 6, fixed: 6, compare_now: 3, mark_now: 8, to_mark: 9, begin_anew: 0.5 })
		return this[kind](client)
	}

	async ask(client, size, { since = '$1', upto = 'NULL', position = this.chain.position } = {}) {
		const { rows } = await client.query(`SELECT ${columns} FROM lockstep.changes(${since}::lockstep.position, ${upto}, $2)`, [position, size])
		this.judge(rows, size)
		return rows
	}

	judge(rows, size) {
		judgePage(transactionsOf(rows, this.labelOf), size)
		this.stats.pages += 1
	}

	receive(rows, what) {
		const transactions = transactionsOf(rows, this.labelOf)
		this.tell(`${what}: ${transactions.map(({ xid, changes }) => `${xid}×${changes.length}`).join(' ')}`)
		this.take(transactions)
	}

	/// One page. The reader may stop at any of its rows, and goes on behind the last whole transaction that it had.
	async *page(client) {
		const size = this.random.chance(0.15) ? null : this.size()
		const rows = await this.ask(client, size)
		const kept = this.random.chance(0.3) ? this.random.int(0, rows.length) : rows.length
		if (kept < rows.length) this.stats.cut += 1
		else if (size !== null) this.before = { position: this.chain.position, size }
		this.receive(wholeOf(rows.slice(0, kept)), `page of ${size}, cut at ${kept} of ${rows.length}`)
	}

	/// A page through a cursor, in bites, while others write, and while this session reads for others; closed early, or not at all.
	async *cursor(client) {
		const { random } = this
		const size = random.chance(0.4) ? null : this.size()
		const upto = random.chance(0.3) ? 'lockstep.position()' : 'NULL'
		const hold = random.chance(0.3)
		await client.query(`BEGIN ISOLATION LEVEL ${random.pick(['READ COMMITTED', 'REPEATABLE READ'])}`)
		await client.query(`DECLARE feed CURSOR ${hold ? 'WITH HOLD' : ''} FOR SELECT ${columns} FROM lockstep.changes('${this.chain.position}', ${upto}, ${size ?? 'NULL'})`)
		if (hold) await client.query('COMMIT')
		else if (this.before && random.chance(0.5)) {
			// The page before again, of what there is by now: this session then knows of more than the cursor may show.
			yield
			await this.ask(client, this.before.size, { position: this.before.position })
		}
		const rows = []
		let is_all = false
		while (!is_all && !random.chance(0.12)) {
			const count = random.pick([1, 2, 5, 40, 400])
			const got = await client.query(`FETCH ${count} FROM feed`)
			rows.push(...got.rows)
			is_all = got.rows.length < count
			if (random.chance(0.3)) await this.ask(client, 1) // somebody else's page, or this reader's next, in between
			yield
		}
		await client.query(random.chance(0.6) ? `CLOSE feed; ${hold ? '' : 'COMMIT'}` : hold ? 'CLOSE feed' : 'ROLLBACK')
		if (is_all) this.judge(rows, size)
		this.stats.cursors += 1
		if (!is_all) this.stats.left_early += 1
		this.receive(wholeOf(rows), `cursor over ${size} ${upto}, ${rows.length} rows${is_all ? '' : ', left early'}`)
	}

	/// All there is in one snapshot, in pages: the same transactions, each with the same rows in the same order, as in one go; and only the last
	/// page is not full. The transactions' order may be another: what this session still knows from an earlier page may be older than a
	/// transaction that was prepared then and is committed now, which comes after all that did not wait for it. So both are judged.
	async *walk(client) {
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
		const all = await this.ask(client, null)
		yield
		const walked = yield* this.pages(client, (position) => this.ask(client, this.lastSize = this.size(), { position }), this.chain.position)
		await client.query('COMMIT')
		const ordered = (rows) => [...grouped(rows)].sort(([one], [other]) => Number(BigInt(one) - BigInt(other))).flatMap(([, of]) => of)
		same(ordered(walked), ordered(all), `pages up to ${this.chain.position}, by transaction`)
		this.stats.walks += 1
		this.receive(walked, 'walk')
	}

	/// Up to a position of now, or of some time ago, in pages that are read later, each in a transaction of its own.
	async *fixed(client) {
		if (this.marks.length === 0 || this.random.chance(0.4)) await this.markNow(client)
		const [mark] = this.marks.splice(this.random.int(0, this.marks.length - 1), 1)
		const start = this.chain.position
		const walked = yield* this.pages(client, (position) => this.ask(client, this.lastSize = this.size(), { position, upto: `'${mark.position}'` }), start)
		const all = await this.ask(client, null, { upto: `'${mark.position}'` })
		same(walked, all, `pages from ${start} up to ${mark.position}`)
		this.receive(all, `pages up to ${mark.position}`)
		for (const xid of this.chain.delivered) {
			if (all.some((row) => row.xid === xid) && !mark.seen.has(xid)) throw new Divergence(`transaction ${xid} was delivered up to ${mark.position}, whose snapshot did not show it`, xid)
		}
		const missing = [...mark.seen].find((xid) => !this.chain.delivered.has(xid) && !this.chain.already.has(xid))
		if (missing) throw new Divergence(`transaction ${missing} was in the snapshot of ${mark.position}, and is not delivered up to it`, missing)
		this.stats.fixed += 1
	}

	/// Asks page after page until one is empty, and judges the positions in between.
	async *pages(client, ask, start) {
		const walked = []
		let position = start
		for (;;) {
			const page = await ask(position)
			if (page.length === 0) return walked
			const size = this.lastSize
			await judgePositions(client, position, page)
			walked.push(...page)
			position = page.at(-1).position
			yield
			if (page.length < size) {
				const rest = await ask(position)
				if (rest.length > 0) throw new Divergence(`a page of ${size} had ${page.length} changes, and there were more: of ${rest[0].xid}`, rest[0].xid)
				return walked
			}
		}
	}

	async *compare_now(client) {
		await this.compare(client)
	}

	async *mark_now(client) {
		await this.markNow(client)
	}

	async *to_mark(client) {
		await this.toMark(client)
	}

	async *begin_anew(client) {
		await this.begin(client)
	}

	/// Everything that is left, in pages of one size.
	async drain(client, size) {
		for (;;) {
			const rows = await this.ask(client, size)
			if (rows.length === 0) return
			this.receive(rows, `page of ${size}`)
		}
	}
}

/// Rows by transaction. Each must come in one piece.
function grouped(rows) {
	const transactions = new Map()
	let last
	for (const row of rows) {
		if (row.xid !== last && transactions.has(row.xid)) throw new Divergence(`transaction ${row.xid} was delivered in pieces`, row.xid)
		if (!transactions.has(row.xid)) transactions.set(row.xid, [])
		transactions.get(row.xid).push(row)
		last = row.xid
	}
	return transactions
}

function same(walked, all, what) {
	const text = (rows) => rows.map(({ xid, seq, op }) => `${xid}/${seq}/${op}`)
	const [one, other] = [text(walked), text(all)]
	const at = one.findIndex((each, i) => each !== other[i])
	if (at >= 0 || one.length !== other.length) {
		const place = at >= 0 ? at : Math.min(one.length, other.length)
		throw new Divergence(`${what}: ${one.length} changes, ${other.length} in one go; from the ${place}th on: ${one.slice(place, place + 4)} against ${other.slice(place, place + 4)}`, (walked[place] ?? all[place]).xid)
	}
}

/// Each position sees the transactions up to its own, and none of those after it; it covers the one before, and not the other way round.
async function judgePositions(client, before, page) {
	const ends = page.filter(({ position }) => position !== null)
	const { rows } = await client.query(
		`WITH at AS (
			SELECT n, xid::xid8, position::lockstep.position, lag(position::lockstep.position, 1, $1) OVER (ORDER BY n) AS previous
			FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS u (xid, position, n)
		)
		SELECT a.xid::text FROM at a
		WHERE NOT lockstep.covers(a.position, a.previous) OR lockstep.covers(a.previous, a.position)
			OR EXISTS (SELECT FROM at b WHERE lockstep.sees(a.position, b.xid) <> (b.n <= a.n)) LIMIT 1`,
		[before, ends.map(({ xid }) => xid), ends.map(({ position }) => position)])
	if (rows.length > 0) throw new Divergence(`the position on the last row of transaction ${rows[0].xid} does not divide what was delivered from what was not`, rows[0].xid)
}

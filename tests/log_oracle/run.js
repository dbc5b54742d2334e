// The log's oracle: random histories in SQL, with every misfortune, and readers of the log that must miss nothing. See README.md.
//
//   node tests/log_oracle/run.js [--seed N] [--seconds N] [--keep] [--style STYLE] [--log STORAGE]      (or the environment's SEED)

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Random } from '../harness/random.js'
import { canonical } from '../harness/exact.js'
import { Divergence } from '../harness/feed.js'
import { Crew } from './crew.js'
import { Directed } from './directed.js'
import { Faults } from './faults.js'
import { Place, sleep } from './place.js'
import { Reader } from './reader.js'
import { story } from './story.js'
import { Truth } from './truth.js'
import { World } from './world.js'
import { resolvePrepared, storages, styles } from './writer.js'

const { values: options } = parseArgs({
	options: { seed: { type: 'string' }, seconds: { type: 'string', default: '60' }, keep: { type: 'boolean', default: false }, style: { type: 'string' }, log: { type: 'string' } },
})
const seed = options.seed ?? (process.env.SEED || String(Math.floor(Math.random() * 1e9)))
const seconds = Number(options.seconds)
if (!(seconds > 0)) {
	console.error(`log_oracle: invalid --seconds "${options.seconds}"`)
	process.exit(2)
}
const patience_ms = 90_000 // until a reader that does not come to rest is called stuck
const world_ms = 240_000 // then a new database, with another schema

const started = Date.now()
const end = started + seconds * 1000
const say = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(7)}  ${text}`)
const tally = { worlds: 0, rounds: 0, committed: 0, changes: 0, reshaped: 0, prepared: 0, long: 0, lost: 0, full: 0, refused: 0, directed: {}, faults: {} }
let verdicts = { passed: 0, failed: 0 }

const rounds = ['mixed', 'directed', 'unflushed', 'off'] // each kind comes, also in a minute

class Failure extends Error {}

async function live(place, number) {
	const random = new Random(seed, `world ${number}`)
	const world = new World(random.stream(`${seed}/schema ${number}`))
	await place.database(`oracle${number}`)
	await place.insist(async (client) => {
		// In one transaction, as the database may be a crash away.
		await client.query(`BEGIN; CREATE EXTENSION lockstep; ${world.sql()}; COMMIT`)
		await world.names(client)
	})
	const truth = new Truth(world)
	const stream = (name) => random.stream(`${seed}/${number}/${name}`)
	const crew = new Crew(place, seed, number, truth)
	const readers = Array.from({ length: 4 }, (_, i) => new Reader(`reader ${i}`, world, place, stream(`reader ${i}`)))
	const faults = new Faults(place, stream('faults'), truth, say)
	const directed = new Directed(place, world, truth, readers, stream('directed'), faults, say)
	const resolver = stream('resolver')
	say(`world ${number}: ${Object.values(world.tables).map(({ label, key, columns }) => `${label}(${key.map(([, type]) => type)}; ${columns.map(([, type]) => type)})`).join(' ')}`)

	const failures = []
	const fail = (who, error, reader = null) => {
		if (!failures.some((failure) => failure.error === error)) failures.push({ who, error, reader })
	}
	const world_end = Math.min(end, Date.now() + world_ms)
	let is_over = false
	let round = 0
	while (!is_over && failures.length === 0) {
		tally.rounds += 1
		let round_end = Date.now() + random.int(8_000, 15_000)
		is_over = round_end + 5_000 > world_end
		if (is_over) round_end = Math.max(world_end, Date.now() + 5_000)
		const style = options.style ?? rounds[round++] ?? random.weighted({ mixed: 5, off: 3, on: 1, unflushed: 3, directed: 2 })
		const { flushing = false } = styles[style] ?? {}
		for (const reader of readers) reader.flushing = flushing
		const storage = style === 'directed' ? 'one' : options.log ?? ['full', '', 'tiny', 'capped'][round - 1] ?? random.weighted({ one: 1, tiny: 4, retained: 2, capped: 2, full: 1 })
		// Of little WAL the last page, which holds it all, is not written before somebody asks for it.
		await keep(place, { ...storages[storage].settings, full_page_writes: style === 'directed' ? 'off' : 'on' })
		for (const reader of readers) reader.may_lose_place ||= storages[storage].retires
		const calm = number + tally.rounds > 2 && flushing && random.chance(0.25)
		say(`round ${tally.rounds}: ${style}, log ${storage}${calm ? ', calm' : ''}`)
		let quiet = false
		const over = () => Date.now() >= round_end || failures.length > 0
		let reading = []
		if (style === 'directed') {
			await directed.work(() => failures.length > 0).catch((error) => fail('directed', error, readers.find(({ name }) => name === error.reader) ?? null))
		} else {
			reading = readers.map((reader) => reader.read(() => quiet || failures.length > 0).catch((error) => fail(reader.name, error, reader)))
			const long = calm ? 'all' : random.chance(0.8) ? 'some' : null
			tally.long += long ? 1 : 0
			await Promise.all([
				crew.work({ style, long, may_lose_place: readers[0].may_lose_place }, over).catch((error) => fail('writers', error)),
				faults.work(over, calm, !flushing).catch((error) => {
					place.closing = true // the server may be down: nobody waits for it
					fail('faults', error)
				}),
				storages[storage].refuses && makeRoom(place, resolver, over).catch((error) => fail('room', error)),
				flushing && resolve(place, truth, resolver, over).catch((error) => fail('resolver', error)),
			])
		}
		if (is_over) await resolveAll(place, truth).catch((error) => fail('resolver', error))
		quiet = true
		if (style === 'directed') reading = readers.map((reader) => reader.read(() => true).catch((error) => fail(reader.name, error, reader)))
		const stuck = sleep(patience_ms).then(() => 'stuck')
		if (failures.length === 0 && (await Promise.race([Promise.all(reading), stuck])) === 'stuck') {
			fail('a reader', new Error(`does not come to rest within ${patience_ms / 1000} s`))
		}
		if (failures.length > 0) break
		await place.insist(async (client) => {
			await truth.settle(client)
			for (const reader of readers) {
				try {
					reader.chain.judge(truth)
					if (reader === readers[0]) await rebuilt(client, world, reader.chain.replica)
				} catch (error) {
					if (!(error instanceof Divergence)) throw error
					fail(reader.name, error, reader)
				}
			}
			truth.forget()
		}).catch((error) => fail('judgement', error))
		say(`at rest: ${truth.counts.committed} transactions with ${truth.counts.changes} changes judged, ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MB`)
	}

	for (const { who, error, reader } of failures) {
		console.log(`\nlog_oracle: FAILED  seed ${seed}, world ${number}\n${who}: ${error.stack ?? error}\n`)
		if (reader) console.log(`--- what ${who} did last\n${reader.story.join('\n')}`)
		console.log(await story(place, error.xid ?? null, error.place ?? null).catch((problem) => `(no story: ${problem.message})`))
	}
	tally.worlds += 1
	tally.committed += truth.counts.committed
	tally.changes += truth.counts.changes
	for (const [name, count] of Object.entries(faults.counts)) tally.faults[name] = (tally.faults[name] ?? 0) + count
	crew.dismiss()
	for (const [name, { refused, ...stats }] of Object.entries(crew.stats)) {
		tally.refused += refused['53400'] ?? 0
		tally.reshaped += stats.reshaped
		tally.prepared += stats.prepared
		say(`${name.padEnd(9)} ${Object.entries(stats).map(([what, count]) => `${count} ${what.replaceAll('_', ' ')}`).join(', ')}; refused ${JSON.stringify(refused)}`)
	}
	tally.lost += truth.counts.lost
	for (const [name, count] of Object.entries(directed.counts)) tally.directed[name] = (tally.directed[name] ?? 0) + count
	for (const reader of readers) say(`${reader.name.padEnd(9)} ${reader.summary()}`)
	const condemned = new Set(failures.map(({ reader }) => reader).filter(Boolean)).size
	verdicts.passed += readers.length - condemned
	verdicts.failed += Math.max(condemned, failures.length > 0 ? 1 : 0)
	if (failures.length > 0) throw new Failure('diverged')
	// A quiet run proves nothing.
	if (truth.counts.committed < seconds && truth.counts.committed < 100) throw new Error(`only ${truth.counts.committed} transactions were committed`)
	if (tally.full > 2 && tally.refused === 0) throw new Error('the log was full, and nobody was refused')
	await place.insist((client) => client.query(`DROP DATABASE oracle${number} WITH (FORCE)`), 'postgres')
}

async function keep(place, settings) {
	await place.insist(async (client) => {
		for (const [name, value] of Object.entries(settings)) await client.query(`ALTER SYSTEM SET ${name} = '${value}'`)
		await client.query('SELECT pg_reload_conf()')
	})
}

/// Keeps the log near its limit: it becomes full, and some time after that there is room for some more.
async function makeRoom(place, random, over) {
	const limit = async (client, more) => {
		const { rows: [{ size }] } = await client.query(`SELECT (sum(pg_total_relation_size(inhrelid)) / 1024)::bigint::text AS size FROM pg_inherits WHERE inhparent = 'lockstep.change'::regclass`)
		const kilobytes = Number(size) + more
		await keep(place, { 'lockstep.max_log_size': `${kilobytes}kB` })
		return kilobytes
	}
	await place.insist(async (client) => {
		let most = await limit(client, 64)
		while (!over()) {
			await sleep(200)
			const { rows: [{ full }] } = await client.query(`SELECT (sum(pg_total_relation_size(inhrelid)) >= ${most} * 1024)::text AS full FROM pg_inherits WHERE inhparent = 'lockstep.change'::regclass`)
			if (full !== 'true') continue
			tally.full += 1
			await sleep(random.int(300, 1500))
			most = await limit(client, random.int(32, 128))
		}
	})
	await keep(place, { 'lockstep.max_log_size': '-1' })
}

/// Ends prepared transactions that were left over, some of them, some time.
async function resolve(place, truth, random, over) {
	while (!over()) {
		await sleep(random.int(200, 1500))
		await place.insist(async (client) => {
			const { rows } = await client.query('SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared')
			for (const { gid } of rows) {
				if (random.chance(rows.length > 3 ? 0.6 : 0.25)) await resolvePrepared(client, truth, gid, random.chance(0.7))
			}
		})
	}
}

async function resolveAll(place, truth) {
	await place.insist(async (client) => {
		const { rows } = await client.query('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()')
		for (const { gid } of rows) await resolvePrepared(client, truth, gid, true)
	})
}

/// The tables rebuilt by the server from a reader's copy equal the tables: what the log wrote can be read back, type by type.
async function rebuilt(client, world, replica) {
	for (const [label, rows] of replica.tables) {
		if (!rows) continue
		const { name } = world.tables[label]
		const { rows: columns } = await client.query(
			`SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('raw', 'secret')`, [world.tables[label].relid])
		const list = columns.map(({ name: column }) => `t.${column}::text`).join(', ')
		const copy = `SELECT ${list} FROM jsonb_populate_recordset(NULL::${name}, $1::jsonb) t`
		const real = `SELECT ${list} FROM ${name} t`
		const { rows: differences } = await client.query(
			`(SELECT 'copy' AS side, x::text FROM (${copy} EXCEPT ALL ${real}) x) UNION ALL (SELECT 'table', x::text FROM (${real} EXCEPT ALL ${copy}) x) LIMIT 4`,
			[canonical([...rows.values()])])
		if (differences.length > 0) throw new Divergence(`${label} rebuilt from the log differs from the table: ${JSON.stringify(differences)}`)
	}
}

say(`log_oracle: seed ${seed}, ${seconds} s. The seed fixes what each writer and reader tries; the interleaving, and where a crash hits, are the machine's.`)
let place = null
try {
	place = await Place.open({
		max_connections: '60', max_prepared_transactions: '20', deadlock_timeout: '150ms', wal_writer_delay: '10s', wal_writer_flush_after: '100000',
		checkpoint_timeout: '30s', autovacuum_naptime: '20s',
		log_min_messages: 'error', log_min_error_statement: 'panic', log_line_prefix: '%m [%p] %q%d %a %e ',
	})
	for (let number = 1; Date.now() < end - 3000; number++) await live(place, number)
} catch (error) {
	if (!(error instanceof Failure)) {
		console.log(`\nlog_oracle: FAILED  seed ${seed}\n${error.stack}\n`)
		verdicts.failed += 1
	}
}
if (place) {
	place.closing = true
	const log = readFileSync(path.join(place.cluster.path, 'log'), 'utf8')
	// So is a crash that nobody ordered, and an internal error, which an EXCEPTION block may have swallowed.
	const troubles = log.split('\n').filter((line) => /PANIC|TRAP:|terminated by signal (?!9)| XX\d{3} /.test(line))
	if (troubles.length > 0) {
		verdicts.failed += 1
		console.log(`\nlog_oracle: FAILED  seed ${seed}: in the server's log is\n${troubles.slice(0, 10).join('\n')}`)
	}
	if (verdicts.failed > 0) console.log(`--- the server's last words\n${log.trimEnd().split('\n').slice(-40).join('\n')}`)
	if (options.keep) console.log(`log_oracle: kept in ${place.cluster.path}; remove it with scripts/cluster remove ${place.cluster.path}`)
	else await place.cluster.remove()
}
say(JSON.stringify(tally))
console.log(`log_oracle: ${verdicts.passed} passed, ${verdicts.failed} failed`)
process.exit(verdicts.failed === 0 ? 0 : 1)

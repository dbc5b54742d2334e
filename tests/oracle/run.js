// The oracle: random histories, and every reader's rows against a fresh SELECT.
//
//   node tests/oracle/run.js [--seed N] [--seconds N] [--keep] [--sql-only]
//
// Writers write at random (rollbacks, savepoints, late and asynchronous commits, key changes, truncates), readers come and go, the
// bridge is killed, the server is restarted and crashed. Now and then all writers rest: then each reader must catch up, its
// rows must equal a SELECT, and what was delivered to it must be what was committed: nothing twice, nothing missing, nothing
// that was rolled back, each row's versions in order, transactions whole. The seed decides what everybody tries; the
// interleaving is the machine's, so a seed repeats a failure often, not always. `--keep` leaves the cluster and
// the bridge's log; `--sql-only` leaves out the bridge and its clients.

import { parseArgs } from 'node:util'
import { Place, connectionLost, sleep } from './place.js'
import { Random } from '../harness/random.js'
import { setup, tables } from './schema.js'
import { SocketReader } from './socket_reader.js'
import { SqlReader } from './sql_reader.js'
import { Truth } from './truth.js'
import { Writer, literal } from './writer.js'

const { values: options } = parseArgs({
	options: {
		seed: { type: 'string' }, seconds: { type: 'string', default: '60' }, keep: { type: 'boolean', default: false },
		'sql-only': { type: 'boolean', default: false },
	},
})
const seed = options.seed ?? String(Math.floor(Math.random() * 1e9))
const seconds = Number(options.seconds)
if (!(seconds > 0)) {
	console.error(`oracle: invalid --seconds "${options.seconds}"`)
	process.exit(2)
}
const with_bridge = !options['sql-only']
const patience_ms = 60_000 // until a reader that does not catch up is called stuck

const random = new Random(seed)
const place = new Place()
const truth = new Truth()
const started = Date.now()
const say = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)}  ${text}`)

function randomSubscriptions(random) {
	const chosen = Object.values(tables).filter(() => random.chance(0.6))
	if (chosen.length === 0) chosen.push(random.pick(Object.values(tables)))
	return chosen.map((table) => ({
		table,
		filter: random.chance(0.6) ? random.pick(table.filters) : null,
		columns: random.chance(0.25) ? random.pick(table.columnLists) : null,
	}))
}

function everySubscription() {
	return Object.values(tables).map((table) => ({ table, filter: null, columns: null }))
}

/// What goes wrong with the world, in random order, each of these once before any comes again.
async function misfortunes(random, resting) {
	let list = []
	while (!resting()) {
		await sleep(random.int(1500, 5000))
		if (resting()) return
		if (list.length === 0) {
			list = ['bridge SIGKILL', 'server fast', 'bridge SIGTERM', 'server immediate', 'connections', 'bridge SIGKILL', 'server kill']
				.filter((name) => with_bridge || name.startsWith('server'))
				.map((name) => ({ name, order: random.next() })).sort((a, b) => a.order - b.order).map(({ name }) => name)
		}
		const [what, how] = list.pop().split(' ')
		say(`${what}${how ? `: ${how}` : ' are cut'}`)
		if (what === 'bridge') {
			await place.stopBridge(how)
			await sleep(random.int(0, 1200))
			await place.startBridge()
		} else if (what === 'server') {
			await place.restartServer(how)
		} else {
			await place.insist((client) => client.query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'oracle_bridge'`))
		}
	}
}

/// Writes a row into each table that every filter accepts: who has it has all that came before.
async function placeMarkers(n) {
	return place.insist(async (client) => {
		const marker = {}
		const tx = `rest-${n}-${Math.random()}`
		await client.query('BEGIN')
		await client.query(`SELECT set_config('lockstep.actor', 'rest', true)`)
		const changes = []
		const writer = new Writer('rest', place, random, truth)
		for (const table of Object.values(tables)) {
			const row = table.marker(n)
			const names = Object.keys(row)
			const noted = await writer.change(client, table, 'insert',
				`INSERT INTO ${table.name} AS t (${names.join(', ')}) VALUES (${names.map((name) => literal(row[name])).join(', ')})`)
			marker[table.name] = noted[0].key
			changes.push(...noted)
		}
		const { rows } = await client.query('INSERT INTO ledger VALUES ($1, pg_current_xact_id()) RETURNING xid', [tx])
		truth.note(tx, 'rest', changes)
		await client.query('COMMIT')
		return { tx, xid: rows[0].xid, marker }
	})
}

async function main() {
	say(`oracle: seed ${seed}, ${seconds} s`)
	await place.open()
	await place.insist((client) => client.query(setup))
	if (with_bridge) await place.startBridge()

	const writers = Array.from({ length: 5 }, (_, i) => new Writer(`writer${i}`, place, random.stream(`writer${i}`), truth))
	const readers = Array.from({ length: 3 }, (_, i) => new SqlReader(`sql${i}`, place, random.stream(`sql${i}`), i > 0))
	for (let i = 0; with_bridge && i < 12; i++) {
		const stream = random.stream(`client${i}`)
		readers.push(new SocketReader(`client${i}`, place, stream, i < 2 ? everySubscription() : randomSubscriptions(stream)))
	}
	const verdicts = new Map(readers.map((reader) => [reader, null]))
	const failures = []
	const fail = (who, what, error) => {
		if (place.closing) return // what ends because the world ends
		failures.push(who)
		console.log(`\noracle: FAILED  seed ${seed}\n${who}${what ? ` (${what})` : ''}:\n${error.stack ?? error}\n`)
	}

	const end = started + seconds * 1000
	let rest = 0
	const fault_stream = random.stream('misfortunes')
	for (const reader of readers.filter((each) => each instanceof SqlReader)) await reader.start()
	while (Date.now() < end && failures.length === 0) {
		rest += 1
		const rest_at = Math.min(end, Date.now() + random.int(12_000, 20_000))
		let markers = null
		const writing_over = () => Date.now() >= rest_at || failures.length > 0
		const resting = () => markers !== null || failures.length > 0

		const reading = readers.map((reader) => reader.read(resting).catch((error) => {
			verdicts.set(reader, error)
			fail(reader.name, reader.describe(), error)
		}))
		await Promise.all([
			...writers.map((writer) => writer.work(writing_over).catch((error) => fail(writer.name, '', error))),
			misfortunes(fault_stream, writing_over).catch((error) => fail('misfortunes', '', error)),
		])
		if (failures.length > 0) break
		const { tx, xid, marker } = await placeMarkers(rest)
		for (const reader of readers) {
			if (reader instanceof SqlReader) reader.awaited = { tx, xid }
			else reader.marker = marker
		}
		markers = marker
		const stuck = sleep(patience_ms).then(() => 'stuck')
		if ((await Promise.race([Promise.all(reading), stuck])) === 'stuck') {
			for (const reader of readers) {
				if (!reader.caughtUp()) fail(reader.name, reader.describe(), `does not catch up within ${patience_ms / 1000} s`)
			}
			if (failures.length === 0) fail('a reader', '', `does not come to rest within ${patience_ms / 1000} s`)
		}
		if (failures.length > 0) break
		await place.insist(async (client) => {
			await truth.settle(client)
			for (const reader of readers) {
				try {
					await reader.judge(truth, client)
				} catch (error) {
					if (error.code !== undefined && connectionLost(error)) throw error
					verdicts.set(reader, error)
					fail(reader.name, reader.describe(), error)
				}
			}
		})
		say(`rest ${rest}: ${truth.count.committed} transactions with ${truth.count.changes} changes judged`)
	}

	console.log('')
	for (const writer of writers) {
		const { committed, rolled_back, refused, lost } = writer.stats
		console.log(`${writer.name.padEnd(10)} ${committed} committed, ${rolled_back} rolled back, ${refused} refused, ${lost} connections lost`)
	}
	for (const reader of readers) {
		reader.abandoned = true
		console.log(`${reader.name.padEnd(10)} ${verdicts.get(reader) ? 'FAILED' : 'ok'}  ${reader.describe()}\n${' '.repeat(11)}${reader.summary()}`)
	}
	const failed = readers.filter((reader) => verdicts.get(reader)).length + failures.filter((who) => !readers.some(({ name }) => name === who)).length
	// A quiet run proves nothing.
	if (failed === 0 && (truth.count.committed < seconds || rest === 0)) {
		fail('oracle', '', `only ${truth.count.committed} transactions were committed in ${seconds} s`)
	}
	return { passed: readers.length - readers.filter((reader) => verdicts.get(reader)).length, failed: Math.max(failed, failures.length > 0 ? 1 : 0) }
}

let outcome
try {
	outcome = await main()
} catch (error) {
	console.log(`\noracle: FAILED  seed ${seed}\n${error.stack}\n`)
	outcome = { passed: 0, failed: 1 }
}
if (outcome.failed > 0) console.log(place.logs())
await place.close(options.keep)
if (options.keep) console.log(`oracle: kept in ${place.dir}; remove the cluster with scripts/cluster remove ${place.cluster_dir}`)
console.log(`oracle: ${outcome.passed} passed, ${outcome.failed} failed`)
process.exit(outcome.failed === 0 ? 0 : 1)

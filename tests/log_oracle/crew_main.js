// One process of writers: started by crew.js, which tells it where, and when to work.

import { Random } from '../harness/random.js'
import { Place, sleep } from './place.js'
import { World } from './world.js'
import { Writer, styles } from './writer.js'

const { connection, name, seed, number, index } = JSON.parse(process.argv[2])
const random = new Random(seed, `world ${number}`)
const stream = (of) => random.stream(`${seed}/${number}/${of}`)
const place = Place.at(connection, name)
const world = new World(random.stream(`${seed}/schema ${number}`))
const truth = { note: (tx, outcome, sent) => process.send({ note: sent === undefined ? [tx, outcome] : [tx, outcome, sent] }) }
const writers = [0, 1].map((i) => new Writer(`w${2 * index + i}`, world, place, stream(`writer ${2 * index + i}`), truth))
const long = index === 0 ? new Writer('long', world, place, stream('long'), truth) : null
let is_over = true

process.on('disconnect', () => process.exit())
process.on('message', ({ work: round, over }) => {
	if (over) is_over = true
	if (round) work(round)
})

async function work(round) {
	is_over = false
	const over = () => is_over
	const stats = {}
	let problem = null
	const careful = async (who, task) => {
		try {
			await task
		} catch (error) {
			problem ??= `${who}: ${error.stack ?? error}`
			is_over = true
		}
	}
	const all = [...writers, ...(long ? [long] : [])]
	for (const writer of all) Object.assign(writer, { style: styles[round.style], may_lose_place: round.may_lose_place })
	await place.insist((client) => world.names(client))
	await Promise.all([
		...writers.map((writer) => careful(`writer ${writer.name}`, writer.work(over))),
		careful('names', keepNames(over)),
		long && round.long && careful('long transaction', long.work(over, () => hold(round.long, over))),
	])
	for (const writer of all) stats[writer.name] = { ...writer.stats, refused: writer.refused }
	process.send({ done: { stats, problem } })
}

/// Most that are open all the time are ended by a crash; others see its end.
async function hold(kind, over) {
	const until = kind === 'all' || random.chance(0.3) ? Infinity : Date.now() + random.int(300, 3000)
	while (!over() && Date.now() < until) await sleep(50)
}

async function keepNames(over) {
	while (!over()) {
		await place.insist(async (client) => {
			while (!over()) {
				await world.names(client)
				await sleep(150)
			}
		})
	}
}

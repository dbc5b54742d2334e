// Random histories, read in pages of every size and in every way: what readers are given is what happened, once, whole and in order.

import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { Random } from '../harness/random.js'
import { Place } from '../log_oracle/place.js'
import { story } from '../log_oracle/story.js'
import { History } from './history.js'

const seed = process.env.SEED || String(Math.floor(Math.random() * 1e9))
const histories = Number(process.env.PAGING_HISTORIES || 5)
const totals = {}
let place

before(async () => {
	// Nothing but the histories moves: segments are looked after when they say so.
	place = await Place.open({ 'lockstep.segment_size': '64kB', 'lockstep.doorbell': 'off', autovacuum: 'off', max_connections: '30', max_prepared_transactions: '10' })
})
after(() => place?.cluster.remove())

for (let number = 1; number <= histories; number++) {
	test(`history ${number} of seed ${seed}`, async (t) => {
		await place.database(`paging${number}`)
		const history = new History(place, new Random(`${seed}/${number}`), 700)
		try {
			await history.run()
		} catch (error) {
			const lines = error.reader ? [`--- what ${error.reader.name} did last`, ...error.reader.story] : []
			if (error.xid) lines.push(await story(place, error.xid, error.place ?? null))
			console.log(`SEED=${seed}, history ${number}: ${error.message}\n${lines.join('\n')}`)
			throw error
		}
		t.diagnostic(JSON.stringify(history.counts))
		for (const [name, count] of Object.entries(history.counts)) totals[name] = (totals[name] ?? 0) + count
	})
}

test('the histories had everything in them that they are about', () => {
	assert.deepEqual(Object.entries(totals).filter(([, count]) => count === 0), [], `seed ${seed}`)
})

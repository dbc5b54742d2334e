// Who judges must be able to condemn: each kind of wrong delivery, made by hand, is noticed.

import assert from 'node:assert/strict'
import test from 'node:test'
import { canonical, parse } from '../harness/exact.js'
import { Divergence } from '../harness/feed.js'
import { Random } from '../harness/random.js'
import { Replica } from './replica.js'
import { Truth, change } from './truth.js'

const table = { name: 'public.item', key: ['id'] }
const image = (id, version, status = 'open') => `{"id":${id},"status":"${status}","row_version":${version}}`
const insert = (id, version, status) => ({ op: 'insert', key: { id }, version, row: parse(image(id, version, status)) })
const update = (id, version, status, old) => ({ op: 'update', key: { id }, version, row: parse(image(id, version, status)), old })
const remove = (id, version) => ({ op: 'delete', key: { id }, version })

function replica(filter = null) {
	const copy = new Replica(table, filter)
	copy.reset([parse(image(1, 5))], 'p0')
	return copy
}

const deliver = (copy, xid, ...changes) => copy.apply({ xid, actor: 'w', changes: parse(JSON.stringify(changes.map(plain))) })
const plain = (each) => ({ ...each, row: each.row && JSON.parse(canonical(each.row)) })

function truthOf(committed) {
	const truth = new Truth()
	for (const [xid, changes] of Object.entries(committed)) truth.committed.set(xid, { tx: xid, actor: 'w', changes })
	return truth
}

const real = (op, id, version, status) =>
	change(table.name, op, parse(`{"id":${id}}`), version, op === 'delete' ? null : image(id, version, status))

/// A connection whose SELECT returns these rows.
const selecting = (...images) => ({ query: async () => ({ rows: images.map((text) => ({ image: text })) }) })

test('what was committed and delivered once is accepted', async () => {
	const copy = replica()
	deliver(copy, '10', update(1, 6, 'done', { status: 'open' }), insert(2, 1))
	deliver(copy, '11', remove(1, 6))
	copy.judge(truthOf({ 10: [real('update', 1, 6, 'done'), real('insert', 2, 1)], 11: [real('delete', 1, 6)] }))
	await copy.compare(selecting(image(2, 1)))
})

test('a change that is missing shows in the next version of its row', () => {
	assert.throws(() => deliver(replica(), '10', update(1, 7, 'done', { status: 'open' })), /is at version 5/)
	assert.throws(() => deliver(replica(), '10', remove(1, 6)), /is at version 5/)
})

test('a transaction that comes twice is noticed, also where its changes would fit again', () => {
	const copy = replica()
	deliver(copy, '10', { op: 'truncate' })
	assert.throws(() => deliver(copy, '10', { op: 'truncate' }), /delivered twice/)
})

test('a row that appears twice or disappears twice is noticed', () => {
	assert.throws(() => deliver(replica(), '10', insert(1, 1)), /there already/)
	assert.throws(() => deliver(replica(), '10', remove(2, 1)), /no such row/)
	assert.throws(() => deliver(replica(), '10', update(2, 2, 'x', {})), /no such row/)
})

test('old values that were not the old values are noticed, and old values that are left out', () => {
	assert.throws(() => deliver(replica(), '10', update(1, 6, 'done', { status: 'other' })), /it was "open"/)
	assert.throws(() => deliver(replica(), '10', update(1, 6, 'done', {})), /does not tell from what/)
})

test('a transaction that was rolled back, or is another\'s, is noticed', () => {
	const copy = replica()
	deliver(copy, '10', insert(2, 1))
	assert.throws(() => copy.judge(truthOf({})), /never committed/)
	const other = truthOf({ 10: [real('insert', 2, 1)] })
	other.committed.get('10').actor = 'somebody'
	assert.throws(() => copy.judge(other), /it was by somebody/)
})

test('a change that was rolled back to a savepoint, or is another than it was, is noticed', () => {
	for (const changes of [[], [real('insert', 2, 2)], [real('insert', 2, 1, 'other')]]) {
		const copy = replica()
		deliver(copy, '10', insert(2, 1))
		assert.throws(() => copy.judge(truthOf({ 10: changes })), Divergence)
		const filtered = replica({ where: {}, sql: 'true' })
		deliver(filtered, '10', { ...insert(2, 1), op: 'enter' })
		assert.throws(() => filtered.judge(truthOf({ 10: changes })), Divergence)
	}
})

test('a transaction that is not whole is noticed', () => {
	const copy = replica()
	deliver(copy, '10', insert(2, 1))
	assert.throws(() => copy.judge(truthOf({ 10: [real('insert', 2, 1), real('insert', 3, 1)] })), /2 changes .* 1 were delivered/)
})

test('rows that differ from a SELECT are noticed: missing, other, too many', async () => {
	await assert.rejects(replica().compare(selecting(image(1, 5), image(2, 1))), /is missing/)
	await assert.rejects(replica().compare(selecting(image(1, 5, 'done'))), /differs/)
	await assert.rejects(replica().compare(selecting()), /should not be there/)
})

test('numbers are compared digit by digit', () => {
	assert.notEqual(canonical(parse('9007199254740993')), canonical(parse('9007199254740992')))
	assert.equal(canonical(parse('{"b":1.50,"a":"\\u00e4"}')), canonical(parse('{ "a":"ä", "b":1.50 }')))
})

test('the same seed makes the same choices', () => {
	const sequence = (seed) => Array.from({ length: 5 }, ((random) => () => random.int(0, 1e9))(new Random(seed, 'x')))
	assert.deepEqual(sequence('7'), sequence('7'))
	assert.notDeepEqual(sequence('7'), sequence('8'))
})

// Who judges must be able to condemn: each kind of wrong delivery, and each kind of wrong truth, planted by hand, is noticed.

import assert from 'node:assert/strict'
import test from 'node:test'
import { canonical, parse } from '../harness/exact.js'
import { Divergence, transactionsOf } from '../harness/feed.js'
import { Random } from '../harness/random.js'
import { Chain } from './chain.js'
import { Truth, clock } from './truth.js'
import { World } from './world.js'

const tables = {
	item: { label: 'item', key: [['id', 'integer']], version: 'row_version', links: [] },
	note: { label: 'note', key: [['id', 'integer']], version: 'row_version', links: [{ column: 'id', to: 'item' }] },
}
const world = { tables, labels: new Map([['100', 'item'], ['200', 'note']]) }
const relids = { item: '100', note: '200' }
const row = (id, version, text = 'a') => ({ id, text, row_version: version })

// What the writers did: a row that lives on (10, 11, 12), one that refers to it (12), one that goes (13), a truncate and a column more (14, 15).
const history = [
	{ xid: '10', witness: [['item', 'INSERT', null, row(1, 1)]] },
	{ xid: '11', witness: [['item', 'UPDATE', row(1, 1), row(1, 2, 'b')], ['item', 'INSERT', null, row(2, 1)]] },
	{ xid: '12', witness: [['item', 'UPDATE', row(1, 2, 'b'), row(1, 3, 'c')], ['note', 'INSERT', null, row(1, 1)]] },
	{ xid: '13', witness: [['item', 'UPDATE', row(2, 1), row(3, 2)], ['note', 'DELETE', row(1, 1), null]] },
	{ xid: '14', witness: [['note', 'INSERT', null, row(7, 1)], ['note', 'TRUNCATE', null, null], ['note', 'INSERT', null, row(3, 1)]] },
	{ xid: '15', witness: [], shape: { label: 'item', what: 'add', before: [row(1, 3, 'c'), row(3, 2)], after: [{ ...row(1, 3, 'c'), x: 7 }, { ...row(3, 2), x: 7 }] } },
	{ xid: '16', witness: [['item', 'DELETE', { ...row(3, 2), x: 7 }, null]] },
]

const json = (value) => (value === null ? null : JSON.stringify(value))
const parsed = (value) => value && parse(json(value))

/// What lockstep should deliver for it, as changes() gives it.
function delivery() {
	const rows = []
	let seq = 0
	for (const { xid, witness, shape } of history) {
		const changes = []
		const add = (label, op, key, version, image, old) => changes.push({
			xid, ordinal: String(changes.length + 1), relid: relids[label], table_name: label, op, key: json(key), version: version === null ? null : String(version),
			row: json(image), old: json(old), omitted: null, position: null, seq: ++seq, reason: `t${xid}`, actor: 'w',
		})
		for (const [label, op, before, after] of witness) {
			if (op === 'TRUNCATE') add(label, 'truncate', null, null, null, null)
			else if (op === 'INSERT') add(label, 'insert', { id: after.id }, after.row_version, after, null)
			else if (op === 'DELETE') add(label, 'delete', { id: before.id }, before.row_version, before, null)
			else if (before.id !== after.id) {
				add(label, 'delete', { id: before.id }, before.row_version, before, null)
				add(label, 'insert', { id: after.id }, after.row_version, after, { id: before.id })
			} else {
				add(label, 'update', { id: after.id }, after.row_version, after, Object.fromEntries(Object.keys(after).filter((name) => after[name] !== before[name]).map((name) => [name, before[name]])))
			}
		}
		if (shape) add(shape.label, 'schema', null, null, null, null)
		changes.at(-1).position = `after ${xid}`
		rows.push(...changes)
	}
	return rows
}

/// A connection that has the witness's tables.
function database({ deeds = history.map(({ xid }) => ({ tx: `t${xid}`, xid })), changed = history } = {}) {
	const changes = changed.flatMap(({ xid, witness, replica = false }) => witness.map(([label, op, before, after]) => ({ xid, label, op, replica: String(replica), before: json(before), after: json(after) })))
	const shapes = changed.flatMap(({ xid, shape }) => (shape ? [{ xid, label: shape.label, what: shape.what }] : []))
	return {
		query: async (sql) => {
			if (sql.includes('witness.deed')) return { rows: deeds }
			return { rows: sql.includes('witness.change') ? changes : shapes }
		},
	}
}

async function verdict({ rows = delivery(), already = [], states = { item: [], note: [] }, real = database(), outcomes = [], crashed = 0, final = null, shapes = history } = {}) {
	const chain = new Chain(world)
	chain.begin('start', states, new Set(already))
	for (const transaction of transactionsOf(rows, ({ relid }) => world.labels.get(relid))) {
		const found = shapes.filter(({ xid, shape }) => xid === transaction.xid && shape).map(({ shape }) => ({ ...shape, before: parsed(shape.before), after: parsed(shape.after) }))
		chain.take(transaction, found)
	}
	const truth = new Truth(world)
	for (const [tx, outcome] of outcomes) truth.note(tx, outcome)
	truth.crashed = crashed
	await truth.settle(real)
	chain.judge(truth)
	if (final) chain.replica.compare(final)
	return chain
}

const final = { item: parsed([{ ...row(1, 3, 'c'), x: 7 }]), note: parsed([row(3, 1)]) }
const of = (rows, xid) => rows.filter((each) => each.xid === xid)
const without = (rows, gone) => rows.filter((each) => each !== gone)

test('what was committed, delivered once and in order, is accepted', async () => {
	const chain = await verdict({ final, outcomes: history.map(({ xid }) => [`t${xid}`, 'committed']) })
	assert.equal(chain.position, 'after 16')
})

const falsified = {
	'a transaction that is left out': (rows) => rows.filter(({ xid }) => xid !== '11'),
	'the last transaction left out, which nothing follows': (rows) => rows.filter(({ xid }) => xid !== '16'),
	'one change left out of a transaction': (rows) => without(rows, of(rows, '11').find(({ op }) => op === 'update')),
	'a change left out that nothing follows': (rows) => without(rows, of(rows, '12')[0]),
	'a transaction that comes twice': (rows) => [...rows, ...of(rows, '14')],
	'a change that comes twice': (rows) => [...rows.slice(0, 1), { ...rows[0], ordinal: '2' }, ...rows.slice(1)].map((each, i) => (i === 0 ? { ...each, position: null } : each)),
	'two transactions in the wrong order': (rows) => [...of(rows, '10'), ...of(rows, '12'), ...of(rows, '11'), ...rows.slice(5)],
	'a transaction split by another': (rows) => [rows[0], rows[1], ...of(rows, '12'), rows[2], ...rows.slice(5)],
	'a transaction split in two, with a position on each part': (rows) => rows.map((each) => (each === rows[1] ? { ...each, position: 'x' } : each)),
	'no position on the last row': (rows) => rows.map((each) => (each.xid === '16' ? { ...each, position: null } : each)),
	'changes in the wrong order inside their transaction': (rows) => rows.map((each) => (each.xid === '14' ? { ...each, ordinal: String(9 - each.ordinal) } : each)),
	'a transaction that was rolled back': (rows) => [...rows, { ...rows[0], xid: '99', key: json({ id: 5 }), row: json(row(5, 1)), position: 'p' }],
	'a change that was rolled back to a savepoint': (rows) => [rows[0], { ...rows[0], xid: '11', key: json({ id: 5 }), row: json(row(5, 1)), ordinal: '0', position: null }, ...rows.slice(1)],
	'a wrong old value': (rows) => rows.map((each) => (each.xid === '12' && each.op === 'update' ? { ...each, old: json({ text: 'zzz', row_version: 2 }) } : each)),
	'an old value left out': (rows) => rows.map((each) => (each.xid === '12' && each.op === 'update' ? { ...each, old: json({ row_version: 2 }) } : each)),
	'an old value of a column that did not change': (rows) => rows.map((each) => (each.xid === '12' && each.op === 'update' ? { ...each, old: json({ id: 1, text: 'b', row_version: 2 }) } : each)),
	'a wrong new value': (rows) => rows.map((each) => (each.xid === '12' && each.op === 'update' ? { ...each, row: json(row(1, 3, 'wrong')) } : each)),
	'a version that jumps': (rows) => rows.map((each) => (each.xid === '12' && each.op === 'update' ? { ...each, version: '4', row: json(row(1, 4, 'c')) } : each)),
	'a version that is not the row\'s': (rows) => rows.map((each) => (each.xid === '12' && each.op === 'update' ? { ...each, version: '2' } : each)),
	'a key that is not the row\'s': (rows) => rows.map((each) => (each.xid === '10' ? { ...each, key: json({ id: 2 }) } : each)),
	'a moved row whose old key is wrong': (rows) => rows.map((each) => (each.xid === '13' && each.op === 'insert' ? { ...each, old: json({ id: 4 }) } : each)),
	'a truncate left out': (rows) => rows.filter(({ op }) => op !== 'truncate'),
	'a schema change left out': (rows) => rows.map((each) => (each.op === 'schema' ? { ...each, op: 'truncate' } : each)),
	'a schema change that never was': (rows) => rows.map((each) => (each.op === 'truncate' ? { ...each, op: 'schema' } : each)),
	'a schema change before what preceded it': (rows) => [...rows.filter(({ xid }) => xid < '13'), ...of(rows, '15'), ...rows.filter(({ xid }) => xid >= '13' && xid !== '15')],
	'a reason that is another transaction\'s': (rows) => rows.map((each) => (each.xid === '14' ? { ...each, reason: 't13' } : each)),
	'a value left out of the image': (rows) => rows.map((each) => (each.xid === '10' ? { ...each, omitted: '{text}' } : each)),
	'a change of a table that nobody tracks': (rows) => rows.map((each) => (each.xid === '10' ? { ...each, relid: '300' } : each)),
}
for (const [what, falsify] of Object.entries(falsified)) {
	test(`noticed: ${what}`, async () => {
		const rows = falsify(delivery())
		assert.notDeepEqual(rows, delivery())
		await assert.rejects(verdict({ rows }), Divergence)
	})
}

test('noticed: a transaction that is delivered before one that it could see, also where nothing else depends on the order', async () => {
	const [earlier, later] = ['10', '11'].map((xid, i) => ({
		deed: { tx: `t${xid}`, xid, saw: xid === '11' ? '{9,10}' : null },
		changed: { xid, witness: [['note', 'INSERT', null, row(7 + i, 1)]] },
		row: { xid, ordinal: '1', relid: '200', op: 'insert', key: json({ id: 7 + i }), version: '1', row: json(row(7 + i, 1)), old: null, omitted: null, position: 'p', reason: `t${xid}`, actor: 'replica' },
	}))
	const real = database({ deeds: [earlier.deed, later.deed], changed: [earlier.changed, later.changed] })
	await verdict({ rows: [earlier.row, later.row], real })
	await verdict({ rows: [later.row], already: ['10'], real })
	await assert.rejects(verdict({ rows: [later.row, earlier.row], real }), /11 was delivered before 10/)
})

test('noticed: a transaction of the state that the reader began with is delivered again', async () => {
	await assert.rejects(verdict({ already: ['10'] }), /is delivered again/)
})

test('noticed: rows that differ from a SELECT: missing, other, too many; a table that is no longer tracked', async () => {
	await assert.rejects(verdict({ final: { ...final, note: [...final.note, parse(json(row(9, 1)))] } }), /is missing/)
	await assert.rejects(verdict({ final: { ...final, note: [parse(json(row(3, 1, 'other')))] } }), /differs/)
	await assert.rejects(verdict({ final: { ...final, note: [] } }), /should not be/)
	await assert.rejects(verdict({ final: { item: final.item } }), /not tracked any more/)
})

test('noticed: what the writers were told and what is there do not agree', async () => {
	const lost = database({ deeds: history.filter(({ xid }) => xid !== '16').map(({ xid }) => ({ tx: `t${xid}`, xid })), changed: history.filter(({ xid }) => xid !== '16') })
	await assert.rejects(verdict({ real: lost, outcomes: [['t16', 'committed']] }), /was committed, and is gone/)
	await assert.rejects(verdict({ real: lost, outcomes: [['t16', 'asynchronous']] }), /nothing crashed, and it is gone/)
	await assert.rejects(verdict({ real: lost, outcomes: [['t16', 'asynchronous']], crashed: clock() - 1000 }), /nothing crashed, and it is gone/)
	await assert.rejects(verdict({ real: lost, outcomes: [['t16', 'committed']], crashed: clock() + 1000 }), /was committed, and is gone/)
	await assert.rejects(verdict({ real: lost, outcomes: [['t16', 'asynchronous']], crashed: clock() + 1000 }), /delivered, and was never committed/)
	await assert.rejects(verdict({ real: lost }), /delivered, and was never committed/)
	await assert.rejects(verdict({ outcomes: [['t16', 'rolled back']] }), /rolled back, and is there/)
	const twins = database({ deeds: [...history.map(({ xid }) => ({ tx: `t${xid}`, xid })), { tx: 'twin', xid: '16' }] })
	await assert.rejects(verdict({ real: twins }), /have one number/)
})

test('noticed: an update that did not advance the version by one, also where the log agrees; a replica may', async () => {
	const jump = [{ xid: '10', witness: [['item', 'UPDATE', row(1, 1), row(1, 3, 'b')]] }]
	const rows = [{ xid: '10', ordinal: '1', relid: '100', op: 'update', key: json({ id: 1 }), version: '3', row: json(row(1, 3, 'b')), old: json({ text: 'a', row_version: 1 }), omitted: null, position: 'p', reason: 't10', actor: 'w' }]
	const states = { item: parsed([row(1, 1)]), note: [] }
	const real = (changed) => database({ deeds: [{ tx: 't10', xid: '10' }], changed })
	await assert.rejects(verdict({ rows, states, real: real(jump) }), /went on by 2/)
	await verdict({ rows, states, real: real([{ ...jump[0], replica: true }]) })
})

test('noticed: a row that refers to one that is delivered after it; a replica\'s may', async () => {
	const referring = { xid: '10', ordinal: '1', relid: '200', op: 'insert', key: json({ id: 9 }), version: '1', row: json(row(9, 1)), old: null, omitted: null, position: 'p', reason: 't10', actor: 'w' }
	const referred = { ...referring, xid: '11', relid: '100', reason: 't11' }
	const real = database({ deeds: [{ tx: 't10', xid: '10' }, { tx: 't11', xid: '11' }], changed: [{ xid: '10', witness: [['note', 'INSERT', null, row(9, 1)]] }, { xid: '11', witness: [['item', 'INSERT', null, row(9, 1)]] }] })
	await verdict({ rows: [referred, referring], real })
	await assert.rejects(verdict({ rows: [referring, referred], real }), /which was not delivered before/)
	await verdict({ rows: [{ ...referring, actor: 'replica' }, referred], real })
})

test('numbers are compared digit by digit', () => {
	assert.notEqual(canonical(parse('9007199254740993')), canonical(parse('9007199254740992')))
	assert.notEqual(canonical(parse('1.50')), canonical(parse('1.5')))
})

test('the same seed makes the same world', () => {
	const sql = (seed) => new World(new Random(seed, 'world')).sql()
	assert.equal(sql('7'), sql('7'))
	assert.notEqual(sql('7'), sql('8'))
})

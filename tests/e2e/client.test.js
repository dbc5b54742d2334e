// lockstep.js in Node against the real bridge: what the demo's page does not use.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { WebSocket } from 'ws';
import { ConflictError, ExactNumber, connect } from '../../client/lockstep.js';
import { Stand, until } from './harness.js';

let stand;
let db;
const errors = [];

before(async () => {
	stand = await Stand.start('--heartbeat-seconds', '3');
	await stand.sql(`
		CREATE TABLE ledger (account bigint, entry int, amount numeric, "odd ""name" text, PRIMARY KEY (account, entry));
		SELECT lockstep.track('ledger');
		CREATE TABLE untracked (id int PRIMARY KEY);
		GRANT SELECT, INSERT, UPDATE, DELETE ON ledger, untracked TO casework_bridge;
	`);
	db = open({ actor: 'node' });
});
after(async () => {
	db?.close();
	await stand?.stop();
});

function open(options = {}) {
	const opened = connect(`${stand.url}v1/socket`, { WebSocket, ...options });
	opened.on('error', (error) => errors.push(error));
	return opened;
}

async function live(query, options) {
	return query.live(options).ready(10_000);
}

test('numbers beyond doubles arrive exactly and are written back exactly', async () => {
	const ledger = await live(db.table('public.ledger'));
	const account = 9007199254740993n;
	const amount = new ExactNumber('12345678901234567890.123456789');
	const { key, version } = await db.insert('public.ledger', { account, entry: 1, amount, 'odd "name': 'x' });
	assert.deepEqual(key, { account, entry: 1 });
	assert.equal(version, 1);
	await until('the row is there', () => ledger.get({ account, entry: 1 }) !== undefined);
	const row = ledger.get({ account, entry: 1 });
	assert.equal(row.account, account);
	assert.equal(`${row.amount}`, '12345678901234567890.123456789');
	assert.equal(row['odd "name'], 'x');
	await db.update('public.ledger', ledger.keyOf(row), { amount: row.amount }, { version: row.row_version });
	assert.deepEqual(await stand.sql("SELECT amount, row_version FROM ledger"), [['12345678901234567890.123456789', '1']], 'no effective change');
	await assert.rejects(db.update('public.ledger', 5, { entry: 2 }), { code: 'usage', message: /key of 2 columns/ });
	ledger.close();
});

test('filters select rows, and rows enter and leave', async () => {
	const open = await live(db.table('public.registration').where({ status: 'open', amount: { gt: 2000 } }).columns(['status', 'amount']));
	const expected = await stand.sql("SELECT count(*) FROM registration WHERE status = 'open' AND amount > 2000");
	assert.equal(open.rows.size, Number(expected[0][0]));
	assert.deepEqual(open.key, ['id']);
	assert.deepEqual(Object.keys(open.sorted()[0]).sort(), ['amount', 'id', 'status']);
	const seen = [];
	open.on('change', ({ op, key }) => seen.push(`${op} ${key}`));
	const [[inside], [outside]] = await stand.sql(`
		(SELECT id FROM registration WHERE status = 'open' AND amount > 2000 LIMIT 1) UNION ALL
		(SELECT id FROM registration WHERE status <> 'open' AND amount > 2000 LIMIT 1)`);
	await stand.sql(`UPDATE registration SET status = 'done' WHERE id = ${inside}`);
	await stand.sql(`UPDATE registration SET status = 'open' WHERE id = ${outside}`);
	await stand.sql(`UPDATE registration SET note = 'no matter' WHERE id = ${inside}`);
	await until('both were seen', () => seen.length === 2);
	assert.deepEqual(seen, [`leave ${inside}`, `enter ${outside}`]);
	open.close();
});

test('money is a number: filtered, and written back as it came', async () => {
	await stand.sql(`
		CREATE TABLE paid (id int PRIMARY KEY, amount money);
		SELECT lockstep.track('paid');
		GRANT SELECT, INSERT, UPDATE, DELETE ON paid TO casework_bridge;
		INSERT INTO paid VALUES (1, '12345.67'), (2, '9.99');`);
	const large = await live(db.table('public.paid').where({ amount: { gte: 1000.5 } }));
	assert.deepEqual([...large.rows.values()], [{ id: 1, amount: 12345.67, row_version: 1 }]);
	await stand.sql('UPDATE paid SET amount = amount * 100000 WHERE id = 2');
	await until('the other has come in', () => large.rows.size === 2);
	const other = large.get(2);
	assert.equal(`${other.amount}`, '999000');
	await db.update('public.paid', 2, { amount: other.amount }, { version: other.row_version });
	await db.update('public.paid', 1, { amount: 1000.49 }, { version: 1 });
	await until('the first has left', () => large.rows.size === 1);
	assert.deepEqual(await stand.sql('SELECT id, amount::numeric, row_version FROM paid ORDER BY id'), [['1', '1000.49', '2'], ['2', '999000.00', '2']]);
	large.close();
});

test('a conflict tells who, when, which versions and which columns', async () => {
	const [[id]] = await stand.sql('SELECT min(id) FROM registration');
	await stand.sql(`UPDATE registration SET note = 'first' WHERE id = ${id}`, { actor: 'the dba' });
	const [[version]] = await stand.sql(`SELECT row_version FROM registration WHERE id = ${id}`);
	const error = await db.update('public.registration', Number(id), { note: 'second' }, { version: Number(version) - 1 }).catch((e) => e);
	assert.ok(error instanceof ConflictError, String(error.stack));
	assert.deepEqual(
		[error.table, error.key, error.expected, error.current, error.changedBy, error.reason, error.operation],
		['public.registration', { id: Number(id) }, Number(version) - 1, Number(version), 'the dba', 'stale', 0],
	);
	assert.ok(Math.abs(Date.now() - Date.parse(error.changedAt)) < 60_000);
	assert.ok(error.columns.includes('note'));
	assert.ok(error.message.length > 0 && error.hint.length > 0);
	const removal = await db.delete('public.registration', { id: Number(id) }, { version: Number(version) - 1 }).catch((e) => e);
	assert.ok(removal instanceof ConflictError);
});

test('a write is one transaction, and the failing operation is named', async () => {
	const before = await stand.sql('SELECT count(*), sum(row_version) FROM registration');
	const error = await db
		.write([
			{ op: 'insert', table: 'public.registration', row: { reference: 'W-1', applicant: 'one' } },
			{ op: 'insert', table: 'public.registration', row: { reference: 'W-1', applicant: 'again' } },
		])
		.catch((e) => e);
	assert.equal(error.code, '23505');
	assert.equal(error.operation, 1);
	assert.deepEqual(await stand.sql('SELECT count(*), sum(row_version) FROM registration'), before);
});

test('the same mutation is done once, whoever asks again', async () => {
	const mutation = '6f1c2b1e-0000-4000-8000-000000000001';
	const first = await db.insert('public.registration', { reference: 'M-1', applicant: 'once' }, { mutation });
	const again = await db.insert('public.registration', { reference: 'M-1', applicant: 'once' }, { mutation });
	assert.deepEqual(again.key, first.key);
	assert.equal(again.xid, first.xid);
});

test('a plain key works on a table without a live table', async () => {
	const other = open({ actor: 'other' });
	await other.refresh();
	const [[id]] = await stand.sql('SELECT max(id) FROM registration');
	const { version } = await other.update('public.registration', Number(id), { note: 'by key' });
	assert.equal(version, Number((await stand.sql(`SELECT row_version FROM registration WHERE id = ${id}`))[0][0]));
	other.close();
});

test('tables and columns that cannot be had are refused with a reason', async () => {
	await assert.rejects(live(db.table('public.nowhere')), { code: 'unknown_table' });
	await assert.rejects(live(db.table('public.untracked')), { code: 'not_tracked' });
	await assert.rejects(live(db.table('public.registration').where({ colour: 'red' })), { name: 'LockstepError' });
	await assert.rejects(live(db.table('public.registration').where({ id: 'red' })), { name: 'LockstepError' });
	await assert.rejects(live(db.table('public.registration').columns(['colour'])), { name: 'LockstepError' });
	await assert.rejects(live(db.table('public.registration'), { limit: 10 }), { code: 'too_many_rows' });
	await assert.rejects(db.insert('public.untracked', { id: 1 }), { name: 'LockstepError' });
	await assert.rejects(db.update('public.registration', { id: 1 }, { colour: 'red' }), { name: 'LockstepError' });
});

test('changed columns only are merged into whole rows', async () => {
	const slim = await live(db.table('public.registration'), { rows: 'changed' });
	const [id, before] = [...slim.rows].at(5);
	const changes = [];
	slim.on('change', (change) => changes.push(change));
	await db.update('public.registration', id, { note: 'slim' }, { version: before.row_version });
	await until('the change arrived', () => changes.length === 1);
	assert.deepEqual(slim.rows.get(id), { ...before, note: 'slim', row_version: before.row_version + 1 });
	slim.close();
});

test('two queries that mean the same see each change once, also after the bridge was killed', async () => {
	const one = await live(db.table('public.registration').where({ reference: 'T-1' }));
	const two = await live(db.table('public.registration').where({ reference: { eq: 'T-1' } }));
	const seen = [];
	one.on('change', ({ op }) => seen.push(`one ${op}`));
	two.on('change', ({ op }) => seen.push(`two ${op}`));
	await stand.sql("INSERT INTO registration (reference, applicant) VALUES ('T-1', 'x')");
	await until('both have it', () => one.rows.size === 1 && two.rows.size === 1);
	await stand.killBridge('SIGKILL');
	await stand.sql("UPDATE registration SET note = 'away' WHERE reference = 'T-1'");
	await stand.startBridge();
	await until('both caught up', () => [...one.rows.values()][0].note === 'away' && [...two.rows.values()][0].note === 'away');
	assert.deepEqual(seen.sort(), ['one insert', 'one update', 'two insert', 'two update']);
	one.close();
	two.close();
});

test('truncate and a new column are seen', async () => {
	const ledger = await live(db.table('public.ledger'));
	const seen = [];
	ledger.on('change', ({ op }) => seen.push(op));
	ledger.on('schema', ({ columns }) => seen.push(columns.map(({ name }) => name).join(' ')));
	await stand.sql('TRUNCATE ledger');
	await until('it is empty', () => ledger.rows.size === 0);
	assert.ok(seen.includes('truncate'));
	await stand.sql("ALTER TABLE ledger ADD COLUMN added text DEFAULT 'new'");
	await stand.sql('INSERT INTO ledger VALUES (1, 1, 1)');
	await until('the row has the new column', () => ledger.get({ account: 1, entry: 1 })?.added === 'new');
	ledger.close();
});

test('a connection without traffic stays, and its position follows', async () => {
	const idle = await live(db.table('public.registration').where({ reference: 'nothing' }));
	const before = idle.position;
	await stand.sql("UPDATE registration SET note = 'elsewhere' WHERE reference = 'T-1'");
	await until('the position has moved on', () => idle.position !== before);
	assert.equal(db.state, 'connected');
	idle.close();
});

test('the doorbell rings: a change arrives long before the bridge looks by itself', async () => {
	const rung = await live(db.table('public.registration').where({ reference: 'T-1' }));
	const delays = [];
	rung.on('transaction', ({ at }) => delays.push(Date.now() - Date.parse(at)));
	for (let n = 1; n <= 6; n++) {
		await stand.sql(`UPDATE registration SET note = 'ring ${n}' WHERE reference = 'T-1'`);
		await until('it arrived', () => delays.length === n);
	}
	// The bridge looks once a second. The median stays clear of that even on a busy machine.
	const median = delays.sort((a, b) => a - b)[3];
	assert.ok(median < 250, `delays were ${delays.join(', ')} ms`);
	rung.close();
});

test('no error was left without a promise', () => {
	assert.deepEqual(errors, []);
});

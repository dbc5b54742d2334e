import assert from 'node:assert/strict';
import test from 'node:test';
import { ExactNumber, LockedError, connect } from '../lockstep.js';
import { FakeClock } from './fakes/clock.js';
import { FakeServer } from './fakes/server.js';

function start(options = {}) {
	const clock = new FakeClock();
	const server = new FakeServer();
	server.database.commit((t) => t.insert({ id: 1, grp: 'a', val: 10 }));
	const db = connect('ws://fake/v1/socket', { WebSocket: server.WebSocket, clock, client: 'c1', random: () => 0.5, ...options });
	return { clock, server, db };
}

const writes = (server) => server.received.filter(({ type }) => type === 'write');

test('insert, update and delete resolve with the key and the new version', async () => {
	const { server, db } = start();
	const inserted = db.insert('public.item', { id: 2, grp: 'a', val: 1 });
	const updated = db.update('public.item', { id: 1 }, { val: 11 }, { version: 1, reason: 'typo' });
	await server.settle();
	assert.deepEqual((await inserted).key, { id: 2 });
	const { key, version, xid, position } = await updated;
	assert.deepEqual({ key, version, xid, position }, { key: { id: 1 }, version: 2, xid: '1002', position: 'e1-3' });
	const removed = db.delete('public.item', { id: 2 });
	await server.settle();
	await removed;
	assert.deepEqual([...server.database.rows.values()], [{ id: 1, grp: 'a', val: 11, row_version: 2 }]);
	const { operations, reason, mutation } = writes(server)[1];
	assert.deepEqual(operations, [{ op: 'update', table: 'public.item', key: { id: 1 }, set: { val: 11 }, version: 1 }]);
	assert.equal(reason, 'typo');
	assert.match(mutation, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	db.close();
});

test('a write whose answer was lost is sent again under the same id and done once', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const saved = db.update('public.item', { id: 1 }, { val: 11 }, { version: 1 });
	await clock.advance(0);
	[...server.sessions][0].take(); // done, but the answer is lost with the connection
	assert.equal(server.database.log.length, 2);
	server.crash();
	await clock.advance(2_000);
	await server.settle();
	assert.equal((await saved).xid, '1001');
	assert.equal(writes(server).length, 2);
	assert.equal(writes(server)[0].mutation, writes(server)[1].mutation);
	assert.equal(server.database.log.length, 2, 'done once');
	db.close();
});

test('a write made without a connection is sent when there is one', async () => {
	const { server, db } = start();
	const saved = db.update('public.item', { id: 1 }, { val: 5 });
	assert.equal(db.state, 'connecting');
	await server.settle();
	await saved;
	assert.equal(db.unanswered, 0);
	assert.equal(server.database.rows.get(1).val, 5);
	db.close();
});

test('a write that the database could not answer is asked again when it is back', async () => {
	const { clock, server, db } = start();
	server.databaseUp = false;
	const saved = db.update('public.item', { id: 1 }, { val: 5 });
	await server.settle();
	assert.equal(db.unanswered, 1);
	await clock.advance(3_000);
	await server.settle();
	assert.ok(writes(server).length >= 2, 'asked again by itself');
	server.databaseUp = true;
	[...server.sessions][0].send({ type: 'status', database: 'connected' });
	await server.settle();
	await saved;
	assert.equal(server.database.log.length, 2);
	db.close();
});

test('a write can be given up, and its mutation id says which it was', async () => {
	const { clock, server, db } = start();
	server.onRequest = (session, { type }) => type === 'write';
	const saved = db.update('public.item', { id: 1 }, { val: 5 }, { timeout: 4_000, mutation: 'm-1' });
	const refused = assert.rejects(saved, { code: 'timeout', detail: { mutation: 'm-1' } });
	await server.settle();
	await clock.advance(4_000);
	await refused;
	db.close();
});

test('writes without an answer are told when the connection is closed', async () => {
	const { db } = start();
	const saved = db.update('public.item', { id: 1 }, { val: 5 });
	const refused = assert.rejects(saved, { code: 'closed' });
	await Promise.resolve();
	db.close();
	await refused;
	await assert.rejects(db.update('public.item', { id: 1 }, { val: 5 }), { code: 'closed' });
});

test('a plain key is turned into an object of the key column, which is asked for where no live table told it', async () => {
	const { server, db } = start();
	await server.settle();
	const first = db.update('public.item', 1, { val: 5 });
	await server.settle();
	await server.settle();
	await first;
	assert.deepEqual(writes(server)[0].operations[0].key, { id: 1 });
	assert.equal([...server.sessions][0].subs.size, 0, 'the question leaves no subscription behind');
	const asked = server.received.length;
	const second = db.delete('public.item', 1);
	await server.settle();
	await second;
	assert.equal(server.received.length, asked + 1, 'asked once');
	await assert.rejects(db.delete('public.item', null), { code: 'usage' });
	db.close();
});

test('large numbers travel exactly in both directions', async () => {
	const { server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	let sent;
	server.onRequest = (session, { type }, text) => {
		sent = type === 'write' ? text : sent;
		return false;
	};
	const saved = db.update('public.item', { id: 9007199254740993n }, { val: new ExactNumber('0.12345678901234567890') });
	saved.catch(() => {});
	const [session] = server.sessions;
	await Promise.resolve();
	await Promise.resolve();
	try {
		session.take();
	} catch {
		// the fake table has no such row; the text is what counts
	}
	assert.match(sent, /"id":9007199254740993[,}]/);
	assert.match(sent, /"val":0\.12345678901234567890[,}]/);
	const row = '{"id":9007199254740993,"grp":"a","val":12345678901234567.5,"row_version":1}';
	const [sub] = session.subs.keys();
	session.send(
		`{"type":"changes","sub":${JSON.stringify(sub)},"position":"e1-1","transactions":[{"xid":"1","at":"T","changes":[` +
			`{"op":"insert","key":{"id":9007199254740993},"version":1,"row":${row}}]}]}`,
	);
	session.deliver();
	assert.equal(live.get(9007199254740993n).val.text, '12345678901234567.5');
	assert.equal(live.get({ id: 9007199254740993n }), live.get(9007199254740993n));
	db.close();
});

test('a locked record is told with who holds it', async () => {
	const { server, db } = start();
	server.onRequest = (session, { type, id }) => {
		if (type !== 'write') {
			return false;
		}
		const detail = JSON.stringify({ table: 'public.item', key: { id: 1 }, holder: 'alice', mode: 'exclusive', until: 'T', note: 'editing' });
		session.send({ type: 'error', id, code: '55P03', message: 'record is locked', detail, operation: 0 });
		return true;
	};
	const refused = db.update('public.item', { id: 1 }, { val: 5 }).catch((error) => error);
	await server.settle();
	const error = await refused;
	assert.ok(error instanceof LockedError);
	assert.deepEqual([error.holder, error.mode, error.note, error.operation], ['alice', 'exclusive', 'editing', 0]);
	db.close();
});

test('a write without operations is refused before it is sent', async () => {
	const { db } = start();
	await assert.rejects(db.write([]), { code: 'usage' });
	db.close();
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from '../lockstep.js';
import { FakeClock } from './fakes/clock.js';
import { FakeServer } from './fakes/server.js';

function start({ features = ['write_pieces'], maxMessageBytes = 1 << 22 } = {}) {
	const clock = new FakeClock();
	const server = new FakeServer();
	Object.assign(server, { features, maxMessageBytes });
	const db = connect('ws://fake/v1/socket', { WebSocket: server.WebSocket, clock, client: 'c1', random: () => 0.5 });
	return { clock, server, db };
}

const writes = (server) => server.received.filter(({ type }) => type === 'write');
const items = (count, text = 'x'.repeat(100)) =>
	Array.from({ length: count }, (_, n) => ({ op: 'insert', table: 'public.item', row: { id: n + 1, grp: text, val: n } }));

test('a large write goes in pieces, each below the limit, and is done as one', async () => {
	const { server, db } = start();
	const heard = [];
	const written = db.write(items(5000), { reason: 'import', onProgress: (progress) => heard.push(progress) });
	await server.settle();
	assert.equal((await written).results.length, 5000);
	const pieces = writes(server);
	assert.ok(pieces.length > 3);
	assert.deepEqual(pieces.map(({ piece }) => piece), pieces.map((_, n) => n));
	assert.deepEqual(pieces.map(({ more }) => more), pieces.map((_, n) => n < pieces.length - 1));
	assert.equal(new Set(pieces.map(({ id }) => id)).size, 1);
	assert.deepEqual([pieces[0].reason, pieces[1].reason], ['import', undefined]);
	assert.deepEqual(pieces.flatMap(({ operations }) => operations.map(({ row }) => row.id)), items(5000).map(({ row }) => row.id));
	assert.equal(server.database.log.length, 1, 'one transaction');
	assert.deepEqual(heard.at(-1), { phase: 'writing', done: 5000, total: 5000 });
	const sent = heard.filter(({ phase }) => phase === 'sending').map(({ done }) => done);
	assert.deepEqual(sent, [...sent].sort((a, b) => a - b));
	assert.equal(sent.at(-1), 5000);
	db.close();
});

test('few pieces are under way at a time', async () => {
	const { server, db } = start();
	await server.settle();
	const written = db.write(items(20_000));
	const [session] = server.sessions;
	await new Promise(setImmediate);
	assert.equal(session.inbox.length, 4);
	await server.settle();
	await written;
	db.close();
});

test('after a lost connection a large write begins again under the same mutation, and is done once', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const written = db.write(items(5000));
	await clock.advance(0);
	[...server.sessions][0].take(2);
	server.crash();
	await clock.advance(2_000);
	await server.settle();
	await written;
	const pieces = writes(server);
	assert.deepEqual(pieces.slice(0, 3).map(({ piece }) => piece), [0, 1, 0]);
	assert.equal(pieces[0].mutation, pieces[2].mutation);
	assert.equal(server.database.log.length, 1);
	db.close();
});

test('a write can be cancelled while it is sent, and while it waits', async () => {
	for (const take of [2, Infinity]) {
		const { clock, server, db } = start();
		server.holdsWrites = true;
		await server.settle();
		const controller = new AbortController();
		const written = db.write(items(3000), { signal: controller.signal });
		await clock.advance(0);
		for (let n = 0; n < (take === 2 ? 1 : 20); n++) {
			[...server.sessions][0].take(take);
			[...server.sessions][0].deliver();
			await clock.advance(0);
		}
		controller.abort();
		const outcome = assert.rejects(written, { code: 'cancelled' });
		await server.settle();
		await outcome;
		[...server.sessions][0].carryOut();
		assert.equal(server.database.log.length, 0);
		assert.equal(db.unanswered, 0);
		db.close();
	}
});

test('a write that is cancelled too late is done, and says so', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const controller = new AbortController();
	const written = db.write(items(1), { signal: controller.signal });
	await clock.advance(0);
	[...server.sessions][0].take(); // done, and the answer is on its way
	controller.abort();
	await server.settle();
	assert.equal((await written).results.length, 1);
	db.close();
});

test('without a connection, what was never sent whole is cancelled at once, and what was is not', async () => {
	const { clock, server, db } = start();
	const never = new AbortController();
	const unsent = db.write(items(1), { signal: never.signal });
	never.abort();
	await assert.rejects(unsent, { code: 'cancelled' });
	await server.settle();
	const controller = new AbortController();
	const written = db.write(items(1), { signal: controller.signal });
	await clock.advance(0);
	[...server.sessions][0].take();
	server.crash();
	controller.abort();
	await clock.advance(2_000);
	await server.settle();
	assert.equal((await written).results.length, 1, 'it had been done');
	assert.equal(server.database.log.length, 1);
	db.close();
});

test('cancelling is not forgotten when the connection is lost before it is answered', async () => {
	for (const all of [false, true]) {
		const { clock, server, db } = start();
		server.holdsWrites = true;
		await server.settle();
		const controller = new AbortController();
		const written = db.write(items(all ? 300 : 20_000), { signal: controller.signal });
		await clock.advance(0);
		controller.abort();
		const outcome = assert.rejects(written, { code: 'cancelled' });
		server.crash();
		await clock.advance(2_000);
		await server.settle();
		await outcome;
		[...server.sessions].forEach((session) => session.carryOut());
		assert.equal(server.database.log.length, 0);
		assert.equal(db.unanswered, 0);
		db.close();
	}
});

test('a large write that was done before the connection was lost says so, though it was cancelled', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const controller = new AbortController();
	const written = db.write(items(20_000), { signal: controller.signal });
	await clock.advance(0);
	while (server.database.log.length === 0) {
		const [session] = server.sessions;
		session.take();
		if (server.database.log.length === 0) {
			session.deliver();
		}
		await clock.advance(0);
	}
	server.crash();
	controller.abort();
	await clock.advance(2_000);
	await server.settle();
	assert.equal((await written).results.length, 20_000);
	assert.equal(server.database.log.length, 1);
	assert.equal(server.received.filter(({ type }) => type === 'cancel').length, 1, 'asked once, when the bridge has all');
	db.close();
});

test('cancelling is not forgotten when the database is away', async () => {
	const { clock, server, db } = start();
	server.databaseUp = false;
	await server.settle();
	const controller = new AbortController();
	const written = db.write(items(1), { signal: controller.signal });
	await clock.advance(0);
	await server.settle(); // unavailable: to be tried again
	controller.abort();
	const outcome = assert.rejects(written, { code: 'cancelled' });
	Object.assign(server, { databaseUp: true, holdsWrites: true });
	await clock.advance(3_000);
	await server.settle();
	await outcome;
	assert.equal(server.database.log.length, 0);
	db.close();
});

test('pieces are as small as the server asks for', async () => {
	for (const text of ['x', 'x'.repeat(300), '\u20ac'.repeat(300)]) {
		for (const count of [150, 3000]) {
			const { server, db } = start({ maxMessageBytes: 4_000 });
			server.onRequest = (_session, _message, sent) => {
				assert.ok(Buffer.byteLength(sent) <= 4_000, `${Buffer.byteLength(sent)} bytes`);
				return false;
			};
			await server.settle();
			const written = db.write(items(count, text), { reason: 'import' });
			await server.settle();
			assert.equal((await written).results.length, count);
			db.close();
		}
	}
});

test('a large write that was given up by its timeout is not sent any further', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const outcome = assert.rejects(db.write(items(20_000), { timeout: 1_000 }), { code: 'timeout' });
	await clock.advance(0);
	[...server.sessions][0].take();
	await clock.advance(1_000);
	await outcome;
	await server.settle();
	assert.ok(writes(server).length < 10, `${writes(server).length} pieces`);
	assert.equal([...server.sessions][0].unfinished.size, 0, 'the bridge keeps nothing of it');
	assert.equal(server.database.log.length, 0);
	db.close();
});

test('a small write that was given up by its timeout is not tried again', async () => {
	const { clock, server, db } = start();
	server.databaseUp = false;
	await server.settle();
	const outcome = assert.rejects(db.write(items(1), { timeout: 1_000 }), { code: 'timeout' });
	await clock.advance(0);
	[...server.sessions][0].take(); // unavailable, which comes after the timeout
	await clock.advance(1_000);
	await outcome;
	await server.settle();
	await clock.advance(60_000);
	await server.settle();
	assert.equal(writes(server).length, 1);
	db.close();
});

test('a write that is begun before the connection is closed is told so', async () => {
	const { server, db } = start();
	await server.settle();
	const outcome = assert.rejects(db.write(items(1)), { code: 'closed' });
	db.close();
	await outcome;
});

test('what no message can carry is refused instead of being sent for ever', async () => {
	const { server, db } = start({ maxMessageBytes: 10_000 });
	await server.settle();
	await assert.rejects(db.write(items(1, 'x'.repeat(20_000))), { code: 'usage', operation: 0 });
	const later = assert.rejects(db.write([...items(300, 'y'), ...items(1, 'x'.repeat(20_000))]), { code: 'usage', operation: 300 });
	await server.settle();
	await later;
	const old = start({ features: [], maxMessageBytes: 10_000 });
	await old.server.settle();
	await assert.rejects(old.db.write(items(1000)), { code: 'usage', message: /larger than the server takes/ });
	assert.equal(writes(old.server).length, 0);
	db.close();
	old.db.close();
});

test('the clock of the bridge is compared by the quickest round trip', async () => {
	const { clock, server, db } = start();
	await server.settle();
	server.time = new Date(clock.now() + 3_600_000).toISOString();
	const measured = db.measureClock();
	await server.settle();
	assert.deepEqual(await measured, { offset: 3_600_000, roundTrip: 0 });
	server.time = undefined;
	const silent = assert.rejects(db.measureClock(), { code: 'unavailable' });
	await server.settle();
	await silent;
	db.close();
	await assert.rejects(db.measureClock(), { code: 'disconnected' });
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { ConflictError, LockstepError, connect } from '../lockstep.js';
import { FakeClock, settled } from './fakes/clock.js';
import { FakeServer } from './fakes/server.js';

function start(options = {}) {
	const clock = options.clock ?? new FakeClock();
	const server = new FakeServer();
	server.database.commit((t) => {
		t.insert({ id: 1, grp: 'a', val: 10 });
		t.insert({ id: 2, grp: 'b', val: 20 });
	});
	const db = connect('ws://fake/v1/socket', { WebSocket: server.WebSocket, clock, client: 'c1', random: () => 0.5, ...options });
	const errors = [];
	db.on('error', (error) => errors.push(error));
	return { clock, server, db, errors };
}

async function reconnect({ clock, server }) {
	await clock.advance(2_000); // more than the first delay, less than a heartbeat
	await server.settle();
}

const rowsOf = (live) => live.sorted((a, b) => a.id - b.id).map(({ id, val }) => [id, val]);

test('a live table shows the snapshot and then every change', async () => {
	const { server, db } = start();
	const states = [];
	db.on('state', ({ from, to }) => states.push(`${from} → ${to}`));
	const live = db.table('public.item').live();
	const seen = [];
	live.on('change', (change) => seen.push(change));
	const ready = live.ready();
	await server.settle();
	assert.equal(await ready, live);
	assert.deepEqual(rowsOf(live), [[1, 10], [2, 20]]);
	server.database.commit((t) => t.update(1, { val: 11 }), { actor: 'alice' });
	server.feed();
	await server.settle();
	assert.deepEqual(rowsOf(live), [[1, 11], [2, 20]]);
	assert.equal(seen.length, 1);
	const [{ op, key, keyValues, old, actor, version }] = seen;
	assert.deepEqual({ op, key, keyValues, old, actor, version }, {
		op: 'update', key: 1, keyValues: { id: 1 }, old: { val: 10, row_version: 1 }, actor: 'alice', version: 2,
	});
	assert.deepEqual(states, ['connecting → connected']);
	db.close();
});

test('one batch event per frame, one transaction event per transaction, rows complete at the first', async () => {
	const { server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	const events = [];
	live.on('change', ({ key }) => events.push(`change ${key} of ${live.rows.size}`));
	live.on('transaction', ({ xid, changes }) => events.push(`transaction ${xid} ${changes.length}`));
	live.on('batch', ({ changes, transactions }) => events.push(`batch ${changes.length} in ${transactions.length}`));
	server.database.commit((t) => t.insert({ id: 3, grp: 'a', val: 1 }));
	server.database.commit((t) => {
		t.insert({ id: 4, grp: 'a', val: 1 });
		t.delete(1);
	});
	server.feed();
	await server.settle();
	assert.deepEqual(events, [
		'change 3 of 3', 'change 4 of 3', 'change 1 of 3', 'transaction 1001 1', 'transaction 1002 2', 'batch 3 in 2',
	]);
	db.close();
});

test('a filter brings rows in and lets them go', async () => {
	const { server, db } = start();
	const live = db.table('public.item').where({ grp: 'a' }).columns(['id', 'val']).live();
	await server.settle();
	const ops = [];
	live.on('change', ({ op, key }) => ops.push(`${op} ${key}`));
	server.database.commit((t) => t.update(2, { grp: 'a' }));
	server.database.commit((t) => t.update(1, { grp: 'b' }));
	server.database.commit((t) => t.update(1, { val: 5 }));
	server.feed();
	await server.settle();
	assert.deepEqual(ops, ['enter 2', 'leave 1']);
	assert.deepEqual([...live.rows.keys()], [2]);
	db.close();
});

test('two live tables that ask for the same share one subscription', async () => {
	const { server, db } = start();
	const first = db.table('public.item').where({ grp: 'a' }).live();
	await server.settle();
	const second = db.table('public.item').where({ grp: 'a' }).live();
	await second.ready();
	assert.equal(second.rows, first.rows);
	assert.equal(server.received.filter(({ type }) => type === 'subscribe').length, 1);
	first.close();
	server.database.commit((t) => t.insert({ id: 3, grp: 'a', val: 1 }));
	server.feed();
	await server.settle();
	assert.equal(second.rows.size, 2);
	assert.equal(first.rows.size, 1, 'a closed table keeps what it showed');
	second.close();
	await server.settle();
	assert.equal([...server.sessions][0].subs.size, 0, 'the last one out unsubscribes');
	db.close();
});

test('two queries that only the bridge knows to be the same get each change once', async () => {
	const { clock, server, db } = start();
	const first = db.table('public.item').where({ grp: 'a' }).live();
	await server.settle();
	const second = db.table('public.item').where({ grp: { eq: 'a' } }).live();
	server.database.commit((t) => t.insert({ id: 3, grp: 'a', val: 1 }));
	await server.settle();
	await second.ready();
	const seen = [];
	first.on('change', ({ key }) => seen.push(`first ${key}`));
	second.on('change', ({ key }) => seen.push(`second ${key}`));
	server.database.commit((t) => t.insert({ id: 4, grp: 'a', val: 1 }));
	server.feed();
	await server.settle();
	assert.deepEqual(seen, ['first 4', 'second 4']);
	server.crash();
	server.database.commit((t) => t.insert({ id: 5, grp: 'a', val: 1 }));
	server.feed();
	await reconnect({ clock, server });
	assert.deepEqual(seen, ['first 4', 'second 4', 'first 5', 'second 5']);
	assert.equal(first.rows.size, 4);
	db.close();
});

// Two live tables of one subscription and a third of another, which the bridge finds to be the same after a reconnection that
// the first subscription was late to make: the database was away when it asked.
async function lateTwins({ holdSnapshot }) {
	const { clock, server, db, errors } = start();
	server.database.commit((t) => t.insert({ id: 3, grp: 'a', val: 30 }));
	const twins = [0, 1].map(() => db.table('public.item').where({ grp: 'a' }).live());
	await server.settle();
	server.crash();
	server.database.commit((t) => {
		t.delete(1);
		t.update(3, { val: 31 });
		t.insert({ id: 4, grp: 'a', val: 40 });
	});
	server.feed();
	let refuse = true;
	let held;
	server.onRequest = (session, message) => {
		if (message.type === 'subscribe' && message.where.grp === 'a' && refuse) {
			session.send({ type: 'error', id: message.id, code: 'unavailable', message: 'the database is away' });
			return true;
		}
		if (message.type === 'subscribe' && holdSnapshot && refuse) {
			session.on_subscribe(message);
			held = session.outbox.pop(); // the last piece of its snapshot stays on the way
			return true;
		}
		return false;
	};
	server.snapshotChunk = 1;
	const other = db.table('public.item').where({ grp: { eq: 'a' } }).live();
	const replayed = [...twins, other].map((live) => {
		const mirror = new Map(live.rows);
		let first = 0;
		live.on('batch', (batch) => {
			if (batch.first) {
				first++;
				live.rows.forEach((row, key) => mirror.set(key, row));
			}
			for (const { op, key, row } of batch.changes) {
				if (op === 'delete' || op === 'leave') {
					assert.ok(mirror.delete(key), `${op} of a row that was there`);
				} else {
					mirror.set(key, row);
				}
			}
		});
		return { live, mirror, firsts: () => first };
	});
	await reconnect({ clock, server });
	return { clock, server, db, errors, replayed, other, release: () => (refuse = false), held: () => held };
}

async function settleTwins({ clock, server, db, errors, replayed }, firsts) {
	for (let round = 0; round < 3; round++) {
		await clock.advance(10_000);
		await server.settle();
	}
	for (const [n, { live, mirror, firsts: count }] of replayed.entries()) {
		assert.equal(live.state, 'subscribed');
		assert.deepEqual(rowsOf(live), [[3, 31], [4, 40]]);
		assert.deepEqual(mirror, new Map(live.rows), `live table ${n} has told all that it shows`);
		assert.equal(count(), firsts[n]);
	}
	server.database.commit((t) => t.insert({ id: 5, grp: 'a', val: 50 }));
	server.feed();
	await server.settle();
	for (const { live, mirror } of replayed) {
		assert.equal(live.rows.size, 3);
		assert.deepEqual(mirror, new Map(live.rows));
	}
	assert.deepEqual(errors, []);
	db.close();
}

test('live tables that join another subscription together all hear what that changes', async () => {
	const stand = await lateTwins({ holdSnapshot: false });
	assert.deepEqual(rowsOf(stand.other), [[3, 31], [4, 40]]);
	stand.release();
	await settleTwins(stand, [0, 0, 1]);
});

test('a live table keeps its rows when it joins one that has none yet', async () => {
	const stand = await lateTwins({ holdSnapshot: true });
	assert.ok(stand.held().includes('"last":true'));
	assert.equal(stand.other.isReady, false);
	const [{ live }] = stand.replayed;
	const sizes = [];
	live.on('batch', () => sizes.push(live.rows.size));
	stand.release();
	await settleTwins(stand, [0, 0, 1]);
	assert.ok(sizes.every((size) => size > 0), 'rows were always there');
});

test('what happened during an absence arrives once, from the position reached', async () => {
	const { clock, server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	const seen = [];
	const states = [];
	live.on('transaction', ({ xid }) => seen.push(xid));
	live.on('state', ({ to, recovered }) => states.push(recovered === undefined ? to : `${to} recovered ${recovered}`));
	live.on('refetch', () => seen.push('refetch'));
	server.crash();
	server.database.commit((t) => t.update(1, { val: 77 }));
	server.database.commit((t) => t.delete(2));
	server.feed();
	await reconnect({ clock, server });
	assert.deepEqual(seen, ['1001', '1002']);
	assert.deepEqual(rowsOf(live), [[1, 77]]);
	assert.deepEqual(states, ['subscribing', 'subscribed recovered true']);
	db.close();
});

test('a position message advances all live subscriptions', async () => {
	const { clock, server, db } = start();
	const a = db.table('public.item').where({ grp: 'a' }).live();
	const b = db.table('public.item').where({ grp: 'b' }).live();
	await server.settle();
	server.database.commit((t) => t.update(1, { val: 11 }));
	server.feed();
	await server.settle();
	assert.notEqual(a.position, b.position);
	server.tick();
	await server.settle();
	assert.equal(a.position, server.database.position);
	assert.equal(b.position, server.database.position);
	server.crash();
	await reconnect({ clock, server });
	const since = server.received.filter((message) => message.since).map((message) => message.since);
	assert.deepEqual(since, [server.database.position, server.database.position]);
	db.close();
});

test('a position that is not covered brings a refetch: old rows stay until the new are complete', async () => {
	const { clock, server, db } = start();
	server.snapshotChunk = 1;
	const live = db.table('public.item').live();
	await server.settle();
	const events = [];
	live.on('refetch', ({ reason }) => events.push(`refetch: ${reason}`));
	live.on('batch', ({ refetch, changes }) => events.push([refetch, ...changes.map(({ op, key }) => `${op} ${key}`)]));
	server.crash();
	server.newEra();
	server.database.commit((t) => {
		t.delete(1);
		t.update(2, { val: 21 });
		t.insert({ id: 3, grp: 'a', val: 30 });
	});
	await clock.advance(2_000);
	const [session] = server.sessions;
	session.take(); // hello
	session.deliver();
	session.take(); // subscribe
	session.deliver(3); // subscribed, refetch, first piece of the snapshot
	assert.deepEqual(rowsOf(live), [[1, 10], [2, 20]], 'shown until the new rows are complete');
	assert.deepEqual(events, []);
	await server.settle();
	assert.deepEqual(rowsOf(live), [[2, 21], [3, 30]]);
	assert.deepEqual(events, ['refetch: position not covered', [true, 'leave 1', 'update 2', 'enter 3']]);
	db.close();
});

test('a transaction in pieces is applied when it is complete, and asked again when the connection dies in between', async () => {
	const { clock, server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	const batches = [];
	live.on('batch', ({ changes }) => batches.push(changes.length));
	server.frameLimit = 2;
	server.database.commit((t) => [3, 4, 5, 6, 7].forEach((id) => t.insert({ id, grp: 'a', val: id })));
	server.feed();
	const [session] = server.sessions;
	session.deliver(2);
	assert.equal(live.rows.size, 2, 'two of three pieces show nothing');
	server.crash();
	await reconnect({ clock, server });
	assert.equal(live.rows.size, 7);
	assert.deepEqual(batches, [5]);
	db.close();
});

test('a session that was too slow gets the latest state of each row', async () => {
	const { server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	let behind = 0;
	live.on('behind', () => behind++);
	const batches = [];
	live.on('batch', ({ coalesced, changes }) => batches.push([coalesced, changes.length]));
	server.database.commit((t) => t.update(1, { val: 1 }));
	server.database.commit((t) => t.update(1, { val: 2 }));
	server.database.commit((t) => t.delete(2));
	server.fed = 4;
	[...server.sessions][0].fallBehind();
	await server.settle();
	assert.deepEqual(rowsOf(live), [[1, 2]]);
	assert.equal(behind, 1);
	assert.deepEqual(batches, [[true, 2]]);
	db.close();
});

test('truncate and schema changes are seen', async () => {
	const { clock, server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	const seen = [];
	live.on('change', ({ op, count }) => seen.push([op, count]));
	live.on('schema', ({ columns }) => seen.push(['schema', columns.length]));
	server.database.commit((t) => t.truncate());
	server.database.commit((t) => t.schema([{ name: 'id', type: 'bigint' }]));
	server.feed();
	await server.settle();
	assert.deepEqual(seen, [['schema', 1], ['truncate', 2]], 'the columns are known before rows are drawn');
	assert.equal(live.rows.size, 0);
	server.database.commit((t) => t.insert({ id: 9, grp: 'a', val: 1 }));
	server.feed();
	await server.settle();
	assert.equal(live.rows.size, 1, 'changes go on where no refetch follows');
	server.crash();
	await reconnect({ clock, server });
	assert.equal(server.received.at(-1).snapshot, true, 'a refetch that may have been lost is asked for');
	db.close();
});

test('a refused subscription rejects ready() with the error of the bridge', async () => {
	const { server, db, errors } = start();
	const live = db.table('public.nope').live();
	const ready = assert.rejects(live.ready(), { name: 'LockstepError', code: 'unknown_table' });
	await server.settle();
	await ready;
	assert.equal(live.state, 'unsubscribed');
	await assert.rejects(live.ready(), { code: 'unknown_table' });
	db.table('public.nope').live();
	await server.settle();
	assert.deepEqual(errors.map(({ code }) => code), ['unknown_table'], 'nobody waited: the connection reports it');
	db.close();
});

test('a subscription that the database cannot serve now is asked again when it is back', async () => {
	const { server, db } = start();
	server.databaseUp = false;
	const live = db.table('public.item').live();
	await server.settle();
	assert.equal(live.state, 'subscribing');
	server.databaseUp = true;
	const [session] = server.sessions;
	session.send({ type: 'status', database: 'connected' });
	await server.settle();
	assert.equal(live.rows.size, 2);
	db.close();
});

test('ready() gives up after its timeout', async () => {
	const { clock, db } = start();
	const waiting = assert.rejects(db.table('public.item').live().ready(1500), { code: 'timeout', message: /within 1500 ms/ });
	await clock.advance(1500);
	await waiting;
	db.close();
});

test('a subscription that the bridge ends says why', async () => {
	const { server, db } = start();
	const live = db.table('public.item').live();
	await server.settle();
	const errors = [];
	live.on('error', (error) => errors.push(error.code));
	const [session] = server.sessions;
	session.send({ type: 'unsubscribed', sub: [...session.subs.keys()][0], code: 'forbidden', message: 'no longer yours' });
	await server.settle();
	assert.deepEqual(errors, ['forbidden']);
	assert.equal(live.state, 'unsubscribed');
	db.close();
});

test('a listener that throws harms nobody, and its error is reported', async () => {
	const { server, db } = start();
	const live = db.table('public.item').live();
	const reported = [];
	const before = globalThis.reportError;
	globalThis.reportError = (error) => reported.push(error.message);
	try {
		let rendered = 0;
		live.on('batch', () => {
			throw new Error('a bug of the page');
		});
		live.on('batch', async () => {
			throw new Error('an asynchronous bug');
		});
		live.on('batch', () => rendered++);
		await server.settle();
		assert.equal(rendered, 1);
		assert.deepEqual(reported.sort(), ['a bug of the page', 'an asynchronous bug']);
		assert.equal(db.state, 'connected');
	} finally {
		globalThis.reportError = before;
		db.close();
	}
});

test('a listener may close the table or the connection', async () => {
	const { server, db } = start();
	const live = db.table('public.item').live();
	live.on('batch', () => db.close());
	await server.settle();
	assert.equal(db.state, 'disconnected');
	assert.equal(live.state, 'unsubscribed');
	await assert.rejects(live.ready(), { code: 'closed' });
	assert.throws(() => db.table('public.item').live(), { code: 'closed' });
});

test('late events of a socket that was given up change nothing', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const old = [...server.sessions][0].socket;
	const { onmessage, onclose } = old;
	server.crash();
	await reconnect({ clock, server });
	assert.equal(db.state, 'connected');
	onclose({ code: 1006, reason: 'late' });
	onmessage({ data: 'not even JSON' });
	await settled();
	assert.equal(db.state, 'connected');
	db.close();
});

test('a message that cannot be read ends the connection, and the client resumes', async () => {
	const { clock, server, db, errors } = start();
	const live = db.table('public.item').live();
	await server.settle();
	[...server.sessions][0].send('{"type":"changes","sub"');
	await server.settle();
	assert.equal(db.state, 'connecting');
	assert.equal(errors[0].name, 'SyntaxError');
	server.database.commit((t) => t.update(1, { val: 3 }));
	server.feed();
	await reconnect({ clock, server });
	assert.deepEqual(rowsOf(live), [[1, 3], [2, 20]]);
	db.close();
});

test('a connection without a word for two heartbeats is dead', async () => {
	const { clock, server, db } = start();
	await server.settle();
	const reasons = [];
	db.on('state', ({ to, reason }) => reasons.push([to, reason]));
	await clock.advance(25_000);
	assert.equal(db.state, 'connected');
	assert.match(String([...server.sessions][0].inbox), /"ping"/);
	await clock.advance(25_000);
	assert.deepEqual(reasons[0], ['connecting', 'the connection went silent']);
	db.close();
});

test('goodbye makes the client wait for as long as the server asks', async () => {
	const { clock, server, db } = start();
	await server.settle();
	server.crash(1012, 5_000);
	await settled();
	await clock.advance(5_000);
	assert.equal(server.sessions.size, 0);
	await clock.advance(600);
	await server.settle();
	assert.equal(db.state, 'connected');
	db.close();
});

test('a loss is told before the attempt that follows it', async () => {
	const { server, db } = start();
	await server.settle();
	const told = [];
	db.on('state', ({ to }) => told.push(to));
	db.on('retry', ({ attempt, delay }) => told.push(`attempt ${attempt} in ${delay} ms`));
	server.crash();
	await settled();
	assert.deepEqual(told, ['connecting', 'attempt 1 in 300 ms']);
	db.close();
});

test('after several failures the state is offline; refresh() tries at once', async () => {
	const { clock, server, db } = start();
	await server.settle();
	server.up = false;
	server.crash();
	await clock.advance(30_000);
	assert.equal(db.state, 'offline');
	await assert.rejects(Promise.all([db.refresh(), settled().then(() => clock.advance(0))]), { code: 'disconnected' });
	server.up = true;
	const refreshed = db.refresh();
	await server.settle();
	await refreshed;
	assert.equal(db.state, 'connected');
	const checked = db.refresh();
	await server.settle();
	await checked;
	db.close();
});

test('the token is asked for at each connection, and an unauthorized client stops', async () => {
	const asked = [];
	const { clock, server, db, errors } = start({ getToken: ({ refresh }) => asked.push(refresh) && 'opaque' });
	server.onRequest = (session, { type, id }) => {
		if (type === 'hello') {
			session.send({ type: 'error', id, code: 'unauthorized', message: 'token expired' });
			return true;
		}
		return false;
	};
	await server.settle();
	await reconnect({ clock, server });
	assert.deepEqual(asked, [false, true]);
	assert.equal(db.state, 'disconnected');
	assert.ok(errors.every(({ name }) => name === 'UnauthorizedError'));
	db.close();
});

test('a JWT is renewed on the live connection before it ends', async () => {
	const clock = new FakeClock();
	const token = () => `h.${btoa(JSON.stringify({ exp: clock.now() / 1000 + 10 }))}.s`;
	const { server, db } = start({ clock, getToken: token });
	await server.settle();
	await clock.advance(8_000);
	await server.settle();
	assert.equal(server.received.filter(({ type }) => type === 'hello').length, 2);
	assert.equal(server.sessions.size, 1);
	db.close();
});

test('errors carry code, detail and hint', async () => {
	const { server, db } = start();
	const refused = db.update('public.item', { id: 1 }, { val: 0 }, { version: 99 }).catch((error) => error);
	await server.settle();
	const error = await refused;
	assert.ok(error instanceof ConflictError && error instanceof LockstepError);
	assert.equal(error.hint, 'Read it again.');
	const { table, key, expected, current, changedBy, changedAt, columns, reason } = error;
	assert.deepEqual({ table, key, expected, current, changedBy, changedAt, columns, reason }, {
		table: 'public.item', key: { id: 1 }, expected: 99, current: 1, changedBy: 'bob', changedAt: 'T', columns: ['val'], reason: 'stale',
	});
	db.close();
});

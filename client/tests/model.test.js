// A random walk of everything that can happen to a connection and to its subscriptions, in any order, against a model:
// the fake database knows every state it ever had. After every step
//
//   - the rows of each live table are exactly the model's at the position the table says it is at: nothing is ever
//     half applied, and a position never runs ahead of or behind its rows;
//   - replaying the events that a live table has sent gives the same rows;
//   - no transaction is shown twice, and none out of order, unless a refetch stands between.
//
// and once everything has settled, the rows are those of the database, and every write that was asked for has been
// done exactly once.
//
// A failure prints its seed: LOCKSTEP_SEED=<seed> LOCKSTEP_WALKS=1 node --test client/tests/model.test.js

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from '../lockstep.js';
import { FakeClock, seeded } from './fakes/clock.js';
import { FakeServer } from './fakes/server.js';

const WALKS = Number(process.env.LOCKSTEP_WALKS ?? 150);
const STEPS = 120;
const FILTERS = [undefined, { grp: 'a' }, { grp: 'b' }, { grp: { eq: 'a' } }];

// Each step's name and weight. A step that does not apply just now does nothing.
const STEPS_AND_WEIGHTS = {
	commit: 14,
	commitLarge: 2,
	truncate: 1,
	schema: 1,
	feed: 10,
	position: 5,
	take: 12,
	deliver: 18,
	deliverAll: 6,
	drop: 3,
	goodbye: 1,
	silentDeath: 1,
	refuse: 1,
	accept: 2,
	newEra: 1,
	forgetLog: 1,
	refetch: 1,
	behind: 2,
	databaseAway: 1,
	databaseBack: 2,
	advance: 10,
	sleep: 1,
	hide: 1,
	show: 1,
	network: 1,
	open: 3,
	close: 1,
	write: 4,
	refresh: 1,
};

class Walk {
	constructor(seed, seen) {
		this.random = seeded(seed);
		this.clock = new FakeClock();
		this.server = new FakeServer();
		this.server.frameLimit = 3;
		this.server.snapshotChunk = 2;
		this.page = pageOf();
		this.db = connect('ws://fake/', {
			WebSocket: this.server.WebSocket,
			clock: this.clock,
			client: 'walker',
			random: this.random,
			page: this.page,
		});
		this.db.on('state', ({ to }) => this.saw(to));
		this.db.on('error', (error) => (this.failure = error));
		this.followed = [];
		this.seen = seen;
		this.writes = [];
		this.trail = [];
		this.lastId = 0;
		this.commit();
		this.open();
	}

	saw(what) {
		this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
	}

	pick(list) {
		return list[Math.floor(this.random() * list.length)];
	}

	get session() {
		return this.pick([...this.server.sessions]);
	}

	step() {
		const total = Object.values(STEPS_AND_WEIGHTS).reduce((sum, weight) => sum + weight, 0);
		let at = this.random() * total;
		const name = Object.keys(STEPS_AND_WEIGHTS).find((step) => (at -= STEPS_AND_WEIGHTS[step]) < 0);
		this.trail.push(name);
		return this[name]();
	}

	// --- the database

	edit(transaction, rows) {
		const ids = [...rows.keys()];
		const kind = this.random();
		if (kind < 0.4 || ids.length === 0) {
			const id = ++this.lastId;
			rows.set(id, true);
			transaction.insert({ id, grp: this.pick(['a', 'b']), val: this.lastId });
		} else if (kind < 0.8) {
			transaction.update(this.pick(ids), this.random() < 0.3 ? { grp: this.pick(['a', 'b']) } : { val: ++this.lastId });
		} else {
			const id = this.pick(ids);
			rows.delete(id);
			transaction.delete(id);
		}
	}

	commit(count = 1 + Math.floor(this.random() * 3)) {
		const { database } = this.server;
		const rows = new Map([...database.rows.keys()].map((id) => [id, true]));
		database.commit((transaction) => {
			for (let n = 0; n < count; n++) {
				this.edit(transaction, rows);
			}
		});
	}

	commitLarge() {
		this.commit(7);
	}

	truncate() {
		this.server.database.commit((transaction) => transaction.truncate());
	}

	schema() {
		this.server.database.commit((transaction) => transaction.schema([{ name: 'id', type: 'bigint' }]));
	}

	newEra() {
		// What the bridge does when its database was restored: every subscription starts over.
		this.server.newEra();
		for (const session of this.server.sessions) {
			session.refetch('another life of the database');
		}
	}

	forgetLog() {
		this.server.horizon = this.server.database.log.length;
	}

	databaseAway() {
		this.server.databaseUp = false;
	}

	databaseBack() {
		if (!this.server.databaseUp) {
			this.server.databaseUp = true;
			this.server.sessions.forEach((session) => session.greeted && session.send({ type: 'status', database: 'connected' }));
		}
	}

	// --- the bridge and the network

	feed() {
		const { fed, database } = this.server;
		this.server.feed(fed + Math.ceil(this.random() * (database.log.length - fed)));
	}

	position() {
		this.server.tick();
	}

	take() {
		this.session?.take(1 + Math.floor(this.random() * 2));
	}

	deliver() {
		this.session?.deliver(1 + Math.floor(this.random() * 3));
	}

	deliverAll() {
		this.session?.take();
		this.session?.deliver();
	}

	drop() {
		this.session?.drop(this.pick([1006, 1001, 1011]));
	}

	goodbye() {
		this.server.crash(1012, Math.floor(this.random() * 2000));
	}

	// Packets vanish; neither side is told.
	silentDeath() {
		const session = this.session;
		if (session !== undefined) {
			this.server.sessions.delete(session);
		}
	}

	refuse() {
		this.server.up = false;
	}

	accept() {
		this.server.up = true;
	}

	refetch() {
		this.session?.refetch('the bridge says so');
	}

	behind() {
		this.server.fed = this.server.database.log.length;
		this.session?.fallBehind();
		this.server.feed();
	}

	// --- the page

	advance() {
		return this.clock.advance(Math.floor(this.random() * 1500));
	}

	sleep() {
		return this.clock.advance(60_000);
	}

	hide() {
		this.page.show('hidden');
	}

	show() {
		this.page.show('visible');
	}

	network() {
		this.page.tell(this.pick(['online', 'offline']));
	}

	refresh() {
		this.db.refresh().catch((error) => assert.equal(error.code, 'disconnected'));
	}

	open() {
		if (this.followed.length < 4) {
			this.followed.push(new Follower(this, this.pick(FILTERS)));
		}
	}

	close() {
		if (this.followed.length > 1) {
			this.followed.splice(Math.floor(this.random() * this.followed.length), 1)[0].live.close();
		}
	}

	write() {
		const id = 100_000 + ++this.lastId;
		const entry = { id, answers: 0 };
		this.writes.push(entry);
		this.db.insert('public.item', { id, grp: 'a', val: 0 }).then(() => entry.answers++);
	}

	// --- what must hold

	check() {
		assert.equal(this.failure, undefined);
		this.followed.forEach((follower) => follower.check());
	}

	async finish() {
		this.trail.push('finish');
		this.server.up = true;
		this.page.show('visible');
		this.databaseBack();
		await this.server.settle();
		for (let round = 0; round < 12; round++) {
			await this.clock.advance(10_000);
			await this.server.settle();
			this.server.feed();
			await this.server.settle();
			this.check();
		}
		assert.equal(this.db.state, 'connected');
		for (const { live, filter } of this.followed) {
			assert.equal(live.state, 'subscribed');
			assert.deepEqual(live.rows, sortedLike(live.rows, this.server.database.rowsAt(this.server.database.log.length, filter)));
		}
		for (const { id, answers } of this.writes) {
			assert.equal(answers, 1, `write ${id} is answered once`);
			const times = this.server.database.log.flatMap(({ changes }) => changes).filter(({ op, key }) => op === 'insert' && key.id === id);
			assert.equal(times.length, 1, `write ${id} is done once`);
		}
		this.db.close();
	}
}

// A live table, and an onlooker who knows only its events.
class Follower {
	constructor(walk, filter) {
		this.walk = walk;
		this.filter = filter === undefined ? {} : { grp: filter.grp.eq ?? filter.grp };
		const query = walk.db.table('public.item');
		this.live = (filter === undefined ? query : query.where(filter)).live();
		this.mirror = new Map(this.live.rows); // another live table may have brought the rows already
		this.lastXid = 0;
		this.live.on('batch', (batch) => this.replay(batch));
		this.live.on('state', ({ to, recovered }) => to === 'subscribed' && walk.saw(recovered ? 'resumed' : 'started'));
		this.live.on('refetch', () => walk.saw('refetched'));
		this.live.on('behind', () => walk.saw('behind'));
		this.live.on('schema', () => walk.saw('schema'));
		this.live.on('transaction', ({ xid }) => {
			if (xid !== null) {
				assert.ok(Number(xid) > this.lastXid, `transaction ${xid} came after ${this.lastXid}`);
				this.lastXid = Number(xid);
			}
		});
	}

	replay({ first, changes }) {
		if (first) {
			assert.equal(this.mirror.size, 0, 'the first rows come once');
			this.mirror = new Map(this.live.rows);
			return;
		}
		for (const { op, key, row } of changes) {
			const had = this.mirror.has(key);
			switch (op) {
				case 'truncate':
					this.mirror.clear();
					break;
				case 'insert':
				case 'enter':
					assert.ok(!had, `${op} of a row that was there`);
					this.mirror.set(key, row);
					break;
				case 'update':
					assert.ok(had, 'update of a row that was not there');
					this.mirror.set(key, row);
					break;
				case 'delete':
				case 'leave':
					assert.ok(had, `${op} of a row that was not there`);
					this.mirror.delete(key);
					break;
				default:
					assert.fail(`unexpected op "${op}"`);
			}
		}
	}

	check() {
		const { live, mirror, filter } = this;
		assert.deepEqual(mirror, sortedLike(mirror, live.rows), 'events and rows agree');
		if (live.isReady) {
			const count = Number(/-(\d+)$/.exec(live.position)[1]);
			const model = this.walk.server.database.rowsAt(count, filter);
			assert.deepEqual(live.rows, sortedLike(live.rows, model), `rows are those of position ${live.position}`);
		}
	}
}

// deepEqual of Maps does not mind the order; what it prints is easier to read in the same one.
function sortedLike(like, map) {
	return new Map([...[...like.keys()].filter((key) => map.has(key)), ...map.keys()].map((key) => [key, map.get(key)]));
}

function pageOf() {
	const listeners = new Map();
	const target = {
		addEventListener: (name, listener) => listeners.set(name, listener),
		removeEventListener: (name) => listeners.delete(name),
	};
	const document = { ...target, visibilityState: 'visible' };
	return {
		document,
		window: target,
		tell: (name) => listeners.get(name)?.({}),
		show(state) {
			document.visibilityState = state;
			listeners.get('visibilitychange')?.({});
		},
	};
}

async function walk(seed, seen) {
	const walker = new Walk(seed, seen);
	try {
		for (let n = 0; n < STEPS; n++) {
			await walker.step();
			await Promise.resolve();
			walker.check();
		}
		await walker.finish();
	} catch (error) {
		error.message = `seed ${seed}, after ${walker.trail.length} steps (${walker.trail.slice(-12).join(' ')}): ${error.message}`;
		throw error;
	}
}

test(`whatever happens, rows are those of their position and nothing is missed or doubled (${WALKS} walks)`, async () => {
	const first = Number(process.env.LOCKSTEP_SEED ?? Date.now() % 1e9);
	console.log(`first seed: ${first}`);
	// Errors inside listeners are reported, not thrown at the caller: here they must fail the walk.
	const before = globalThis.reportError;
	let reported;
	const seen = new Map();
	globalThis.reportError = (error) => (reported ??= error);
	try {
		for (let n = 0; n < WALKS; n++) {
			await walk(first + n, seen);
			if (reported !== undefined) {
				reported.message = `seed ${first + n}: ${reported.message}`;
				throw reported;
			}
		}
	} finally {
		globalThis.reportError = before;
	}
	for (const what of ['started', 'resumed', 'refetched', 'behind', 'schema', 'offline']) {
		assert.ok(seen.get(what) > 0, `no walk came by "${what}"`);
	}
});

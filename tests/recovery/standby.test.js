// A hot standby reads the feed as exactly as its primary, and after its promotion goes on with positions from before it, or refuses them.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Bridge } from '../harness/bridge.js';
import { freePort, until } from '../harness/wait.js';
import { asServer, backup, configure, dataOf, FOLLOWED, once, promote, refused, replayed, Session, shop } from './servers.js';

let primary;
before(async () => {
	primary = await shop('primary', FOLLOWED);
	await once(primary, 'CREATE ROLE shop_bridge LOGIN; GRANT lockstep_bridge TO shop_bridge');
});
after(() => primary?.remove());

async function withStandby(name, work, settings = {}) {
	const standby = await backup(primary, name);
	try {
		await configure(standby, settings);
		await standby.again();
		await work(standby);
	} finally {
		await standby.remove();
	}
}

const insert = (id) => `INSERT INTO item VALUES (${id}, 'x')`;

test('a standby reads exactly what is visible there, while transactions run, with more sub-transactions than a snapshot lists', () =>
	withStandby('reads', async (standby) => {
		const long = await Session.open(primary);
		const other = await Session.open(primary);
		const start = await other.position();
		await replayed(primary, standby);
		const there = await Session.open(standby);
		const onStandby = await there.position();

		// Overflows the list of sub-transactions: more than 64 of one transaction.
		await long.sql('BEGIN');
		await long.sql(`DO $$ BEGIN FOR i IN 1..150 LOOP BEGIN INSERT INTO item VALUES (1000 + i, 'long'); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$`);
		const prepared = await Session.open(primary);
		await prepared.sql('BEGIN');
		await prepared.sql(insert(1));
		await prepared.sql("PREPARE TRANSACTION 'waits'");
		await other.sql(insert(2));
		await replayed(primary, standby);
		const first = await there.changes(onStandby);
		assert.deepEqual(first.ids, [2]);
		const taken = await there.position();
		assert.deepEqual((await there.changes(start)).ids, [2], 'a position of the primary is good here');

		await long.sql('COMMIT');
		await other.sql("COMMIT PREPARED 'waits'");
		await other.sql(insert(3));
		await replayed(primary, standby);
		for (const reader of [there, other]) {
			for (const position of [first.position, taken]) {
				const { ids } = await reader.changes(position);
				assert.equal(ids.length, 152);
				assert.deepEqual(ids.filter((id) => id < 1000).sort(), [1, 3]);
			}
		}
		await Promise.all([long, prepared, other, there].map((session) => session.close()));
	}));

test('a position that the standby has yet to replay is refused for now', () =>
	withStandby('lags', async (standby) => {
		const there = await Session.open(standby);
		const here = await Session.open(primary);
		await there.sql('SELECT pg_wal_replay_pause()');
		await until('replay is paused', async () => (await there.value('SELECT pg_get_wal_replay_pause_state()')) === 'paused');
		await here.sql(insert(10));
		const position = await here.position();
		await here.sql(insert(11));
		const error = await refused('55000', there.changes(position));
		assert.match(error.message, /position "since" lies ahead of what this standby has replayed/);
		await there.sql('SELECT pg_wal_replay_resume()');
		await replayed(primary, standby);
		assert.deepEqual((await there.changes(position)).ids, [11]);
		await here.close();
		await there.close();
	}));

test('a position counts the record that is being replayed: what it commits may be visible before it is done', () =>
	withStandby('replays', async (standby) => {
		const here = await Session.open(primary);
		const locking = await Session.open(primary);
		const there = await Session.open(standby);
		const reading = await Session.open(standby);
		await here.sql('CREATE TABLE beside ()');
		await replayed(primary, standby);
		await reading.sql('BEGIN; SELECT FROM beside');
		await locking.sql('BEGIN; LOCK TABLE beside'); // a record that cannot be replayed before the reader has ended
		await here.sql(insert(15));
		await until('replay stands at the lock', async () => (await there.value("SELECT wait_event_type FROM pg_stat_activity WHERE backend_type = 'startup'")) === 'Lock');
		const position = await there.position();
		const lsn = BigInt(`0x${position.split('-')[4]}`);
		assert.ok(lsn > BigInt(await there.value("SELECT pg_last_wal_replay_lsn() - '0/0'")), position);
		await reading.sql('COMMIT');
		await locking.sql('ROLLBACK');
		await replayed(primary, standby);
		assert.deepEqual((await there.changes(position)).ids, [15]);
		await here.sql('DROP TABLE beside');
		await Promise.all([here, locking, there, reading].map((session) => session.close()));
	}, { max_standby_streaming_delay: '-1' }));

test('a position on a timeline that the standby has yet to follow is refused for now', () =>
	withStandby('leads', (leader) => withStandby('follows', async (follower) => {
		await replayed(primary, follower);
		await follower.stop();
		await replayed(primary, leader);
		await promote(leader);
		const ahead = await Session.open(leader);
		const start = await ahead.position();
		await ahead.sql(insert(25));
		const position = await ahead.position();
		await ahead.sql(insert(26));

		await configure(follower, { primary_conninfo: '' });
		await asServer('sed', '-i', 's/^primary_conninfo/#&/', `${await dataOf(follower)}/postgresql.auto.conf`);
		await follower.again();
		const there = await Session.open(follower);
		assert.match(await there.position(), /^p1-[0-9a-f]+-\d+-1-/);
		for (const since of [start, position]) {
			const error = await refused('55000', there.changes(since));
			assert.match(error.message, /position "since" lies ahead of what this standby has replayed/);
		}
		await configure(follower, { primary_conninfo: await leader.conninfo('postgres', 'postgres') });
		await there.sql('SELECT pg_reload_conf()');
		await replayed(leader, follower);
		assert.deepEqual((await there.changes(start)).ids, [25, 26]);
		assert.deepEqual((await there.changes(position)).ids, [26]);
		assert.match(await there.position(), /^p1-[0-9a-f]+-\d+-2-/);
		await Promise.all([ahead, there].map((session) => session.close()));
	})));

test('promoted without loss, it goes on with positions from before; with prepared transactions too', () =>
	withStandby('succeeds', async (standby) => {
		const here = await Session.open(primary);
		const preparing = await Session.open(primary);
		await preparing.sql('BEGIN');
		await preparing.sql(insert(20));
		const whileRunning = await here.position();
		await preparing.sql("PREPARE TRANSACTION 'over the switch'");
		const first = await here.position();
		await here.sql(insert(21));
		const second = await here.position();
		await replayed(primary, standby);
		await promote(standby);
		const there = await Session.open(standby);
		await there.sql(insert(22));
		await there.sql("COMMIT PREPARED 'over the switch'");
		await there.sql(insert(23));
		for (const position of [whileRunning, first]) {
			assert.deepEqual((await there.changes(position)).ids, [20, 21, 22, 23]);
		}
		const read = await there.changes(second);
		assert.deepEqual(read.ids, [20, 22, 23], 'in the order of what was written last, which is at PREPARE');
		assert.match(read.position, /^p1-[0-9a-f]+-\d+-2-/);
		assert.deepEqual((await there.changes(second, 1)).ids, [20]);
		await there.sql(insert(24));
		assert.deepEqual((await there.changes(read.position)).ids, [24]);
		assert.deepEqual(await there.sql('SELECT max(era) FROM lockstep.era'), [['2']]);
		await here.sql("ROLLBACK PREPARED 'over the switch'");
		await Promise.all([here, preparing, there].map((session) => session.close()));
	}));

test('promoted with loss, it refuses what lies beyond the switch, however far it goes later', () =>
	withStandby('loses', async (standby) => {
		const here = await Session.open(primary);
		const kept = await here.position();
		await replayed(primary, standby);
		await standby.stop();
		await asServer('sed', '-i', 's/^primary_conninfo/#&/', `${await dataOf(standby)}/postgresql.auto.conf`);
		await here.sql(insert(30));
		const lost = await here.position();
		await standby.again();
		await promote(standby);
		const there = await Session.open(standby);
		await refused('LS004', there.changes(lost));
		for (let id = 31; id < 60; ++id) {
			await there.sql(insert(id));
		}
		await there.sql('SELECT pg_switch_wal()');
		await there.sql(insert(60));
		const error = await refused('LS004', there.changes(lost));
		assert.match(error.detail, /^It was taken on timeline 1 at [0-9A-F/]+, after the server was promoted or restored as of /);
		assert.deepEqual((await there.changes(kept)).ids, Array.from({ length: 30 }, (_, i) => i + 31));
		await here.close();
		await there.close();
	}));

test('a bridge that knows it begins anew there', () =>
	withStandby('bridged', async (standby) => {
		const addresses = await Promise.all([primary, standby].map(async (one) => /host=(\S+) port=(\d+)/.exec(await one.conninfo('shop', 'postgres'))));
		const [hosts, ports] = [1, 2].map((part) => addresses.map((address) => address[part]).join(','));
		const bridge = await Bridge.start(await freePort(), ['--db', `host=${hosts} port=${ports} dbname=shop user=shop_bridge target_session_attrs=read-write`]);
		try {
			await once(primary, insert(70));
			await replayed(primary, standby);
			await primary.stop('immediate');
			await promote(standby);
			await until('the bridge begins anew at the new primary', () => bridge.log.includes('the feed begins anew'));
			await once(standby, insert(71));
			await until('the bridge reads its changes', async () => /^lockstep_bridge_changes_total [2-9]/m.test(await (await fetch(`http://127.0.0.1:${bridge.port}/metrics`)).text()));
		} finally {
			await bridge.kill();
			await primary.again();
		}
	}));

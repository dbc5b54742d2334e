// The log's segments in dumps, under autovacuum, and dropped by hand before a crash.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../harness/wait.js';
import { QUIET, Session, bin, once, refused, shop } from './servers.js';

const run = promisify(execFile);
const insert = (from, count) => `INSERT INTO item SELECT i, repeat('x', 200) FROM generate_series(${from}, ${from + count - 1}) i`;
// Restoring alters tables, which is logged too.
const HISTORY = "SELECT segment, count(*) FROM lockstep.change WHERE op <> 's' GROUP BY 1 ORDER BY 1";
const segments = (cluster, database) => once(cluster, `SELECT number, closed_at IS NOT NULL, changes FROM lockstep.segment ORDER BY number`, database);

/** A log with a segment that was dropped, some closed ones, and one that is open, of which the one before cannot be closed. */
async function several(cluster) {
	const session = await Session.open(cluster);
	await session.sql("SET lockstep.segment_size = '64kB'");
	for (let part = 0; part < 4; ++part) {
		await session.sql(insert(part * 500 + 1, 500));
		await session.sql('SELECT lockstep.maintain()');
	}
	await session.sql('SELECT lockstep.retire_segment(1)');
	const writer = await Session.open(cluster);
	await writer.sql(`BEGIN; SET LOCAL lockstep.log_buffer_size = '64kB'; ${insert(10_001, 500)}`);
	await session.sql(insert(5001, 500));
	await session.sql('SELECT lockstep.maintain()');
	await session.sql(insert(6001, 5));
	return { session, writer };
}

test('a dump of a log in several segments', async (t) => {
	const cluster = await shop('dumped', { 'lockstep.doorbell': 'off', autovacuum: 'off' });
	try {
		const { session, writer } = await several(cluster);
		assert.deepEqual((await segments(cluster)).map(([number, closed]) => `${number}${closed === 't' ? ' closed' : ''}`), ['2 closed', '3 closed', '4 closed', '5', '6']);
		const old = await session.position();
		const file = join(cluster.directory, 'segments.dump');
		await run(bin('pg_dump'), ['-Fc', '-f', file, await cluster.conninfo('shop', 'postgres')]);
		await writer.sql('ROLLBACK');
		await writer.close();
		const entries = await once(cluster, 'SELECT count(*), min(id), max(id) FROM item');
		const logged = await once(cluster, HISTORY);

		/** All of the log is there as history, nothing of it is delivered, and it is looked after as any other. */
		const judge = async (database) => {
			const copy = await Session.open(cluster, database);
			await copy.sql("SET lockstep.segment_size = '64kB'");
			assert.deepEqual(await copy.sql(HISTORY), logged);
			assert.deepEqual(await copy.sql("SELECT name, detail FROM lockstep.doctor() WHERE status = 'error' OR name LIKE 'segment%'"), []);
			assert.deepEqual(await copy.sql('SELECT count(*) FROM lockstep.retirement'), [['0']], 'what was dropped before is no concern of this life');
			await refused('LS004', copy.changes(old));
			const here = await copy.position();
			assert.deepEqual((await copy.changes(here)).ids, []);
			await copy.sql(insert(20_001, 3));
			assert.deepEqual((await copy.changes(here)).ids, [20_001, 20_002, 20_003]);
			await copy.sql('SELECT lockstep.maintain()');
			await copy.sql('SELECT lockstep.maintain()');
			const now = await segments(cluster, database);
			assert.deepEqual(now.map(([number, closed]) => `${number}${closed === 't' ? ' closed' : ''}`), ['2 closed', '3 closed', '4 closed', '5 closed', '6 closed', '7']);
			assert.deepEqual((await copy.changes(here)).ids, [20_001, 20_002, 20_003], 'now from a closed one');
			await copy.sql(insert(20_004, 2));
			assert.deepEqual((await copy.changes(here)).ids, [20_001, 20_002, 20_003, 20_004, 20_005]);
			// Nobody who is here now needs what came with the dump.
			await copy.sql('SELECT lockstep.retire_segment(n) FROM generate_series(2, 5) n');
			assert.deepEqual((await segments(cluster, database)).map(([number]) => number), ['6', '7']);
			assert.deepEqual((await copy.changes(here)).ids, [20_001, 20_002, 20_003, 20_004, 20_005]);
			for (const [table] of await copy.sql("SELECT relation::text FROM lockstep.segment UNION SELECT 'lockstep.change'")) {
				await refused('55000', copy.sql(`TRUNCATE ${table}`));
			}
			await copy.close();
		};
		await t.test('restored into another database', async () => {
			await once(cluster, 'CREATE DATABASE copy', 'postgres');
			await run(bin('pg_restore'), ['--exit-on-error', '-d', await cluster.conninfo('copy', 'postgres'), file]);
			assert.deepEqual(await once(cluster, 'SELECT count(*), min(id), max(id) FROM item', 'copy'), entries);
			await judge('copy');
		});
		await t.test('restored over the same, which has gone on meanwhile', async () => {
			await session.sql(insert(7001, 500));
			await session.sql('SELECT lockstep.maintain()');
			const later = await session.position();
			await session.close();
			await run(bin('pg_restore'), ['--exit-on-error', '--clean', '--if-exists', '-d', await cluster.conninfo('shop', 'postgres'), file]);
			assert.deepEqual(await once(cluster, 'SELECT count(*), min(id), max(id) FROM item'), entries);
			const again = await Session.open(cluster);
			await refused('LS004', again.changes(later));
			await again.close();
			await judge('shop');
		});
	} finally {
		await cluster.remove();
	}
});

test('autovacuum freezes segments once they are closed, and leaves the open one alone', async () => {
	const cluster = await shop('frozen', { 'lockstep.segment_size': '64kB', autovacuum_naptime: '1s', log_autovacuum_min_duration: '0' });
	try {
		const session = await Session.open(cluster);
		// Values that are stored out of line, too.
		const large = "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 400) WHERE i > 0)";
		for (let part = 0; part < 3; ++part) {
			const { length } = await segments(cluster);
			await session.sql(`INSERT INTO item SELECT i, ${large} FROM generate_series(${part * 100 + 1}, ${part * 100 + 100}) i`);
			await until('the worker has gone on', async () => (await segments(cluster)).length > length);
		}
		await until('all but the newest are closed', async () => (await segments(cluster)).filter(([, closed]) => closed === 'f').length === 1);
		await session.sql(`${insert(1001, 3)}`);
		// Nothing in it is older than what came after it, so nobody need look at it again when numbers wrap around.
		const left = () => session.sql(`
			SELECT r.relname FROM lockstep.segment s JOIN pg_class c ON c.oid = s.relation JOIN pg_class r ON r.oid IN (c.oid, c.reltoastrelid)
			WHERE s.closed_at IS NOT NULL AND (r.relallvisible < r.relpages OR r.relpages = 0 OR r.relfrozenxid::text::bigint <= s.last_xid::text::bigint)`);
		await until('they are frozen', async () => {
			await session.sql("UPDATE item SET v = 'a little later' WHERE id = 1001");
			return (await left()).length === 0;
		});
		assert.deepEqual(await session.sql(`
			SELECT t.vacuum_count + t.autovacuum_count FROM lockstep.segment s JOIN pg_stat_all_tables t ON t.relid = s.relation WHERE s.closed_at IS NULL`), [['0']]);
		assert.ok(Number(await session.value('SELECT count(*) FROM lockstep.segment WHERE closed_at IS NOT NULL')) >= 3);
		await session.close();
	} finally {
		await cluster.remove();
	}
});

test('an open segment is dropped by hand, and the server crashes: no position covers what is still to come', async (t) => {
	const cluster = await shop('by_hand', { ...QUIET, wal_level: 'replica', 'lockstep.segment_size': '64kB' });
	try {
		await t.test('maintain() is the first that a session calls, where nothing is preloaded', () => once(cluster, 'SELECT lockstep.maintain()'));
		for (const how of ['dropped', 'detached']) {
			await t.test(how, async () => {
				const session = await Session.open(cluster);
				const other = await Session.open(cluster);
				await session.sql(`${insert(1, 3)} ON CONFLICT (id) DO UPDATE SET v = 'again'`);
				await session.sql('CHECKPOINT');
				const relation = await session.value('SELECT relation FROM lockstep.segment ORDER BY number DESC LIMIT 1');
				if (how === 'detached') {
					await session.sql(`ALTER TABLE lockstep.change DETACH PARTITION ${relation}`);
				}
				// Up to where the log is gone is noted by the snapshot, which counts those that are rolled back now as seen. Nothing of all this is durable
				// before somebody is given a position.
				const own = Number(await session.value('SET synchronous_commit = off; BEGIN; SELECT pg_current_xact_id()'));
				for (let i = 0; i < 3; ++i) {
					await other.sql('BEGIN; SELECT pg_current_xact_id(); ROLLBACK');
				}
				const lost = Number(await other.value('BEGIN; SELECT pg_current_xact_id()'));
				await other.sql('ROLLBACK');
				assert.equal(lost, own + 4);
				await session.sql(how === 'dropped' ? `DROP TABLE ${relation}` : 'SELECT lockstep.maintain()');
				await session.sql('COMMIT');
				const here = await session.position();
				assert.deepEqual((await session.changes(here)).ids, []);
				await cluster.stop('immediate');
				await cluster.again();
				const again = await Session.open(cluster);
				await again.sql('SELECT lockstep.maintain()');
				for (let id = 100; id < 106; ++id) {
					await again.sql(`INSERT INTO item VALUES (${id}, 'after') ON CONFLICT (id) DO UPDATE SET v = 'after the second'`);
				}
				assert.deepEqual((await again.changes(here)).ids, [100, 101, 102, 103, 104, 105]);
				await again.close();
				await session.close();
				await other.close();
			});
		}
	} finally {
		await cluster.remove();
	}
});

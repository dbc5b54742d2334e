// After a crash, numbers of transactions that never became durable are given out again. No position may have counted them as seen.

import assert from 'node:assert/strict';
import test from 'node:test';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Random } from '../harness/random.js';
import { Cluster } from '../harness/cluster.js';
import { until } from '../harness/wait.js';
import { bin, once, QUIET, Session, shop } from './servers.js';

const run = promisify(execFile);

const xid = (session) => session.value('SELECT pg_snapshot_xmax(pg_current_snapshot())');
/** Transactions that get a number and leave nothing durable. */
const burn = async (session, count) => {
	for (let i = 0; i < count; ++i) {
		await session.sql('BEGIN');
		await session.sql('SELECT pg_current_xact_id()');
		await session.sql('ROLLBACK');
	}
};
async function crash(cluster, session, mode = 'kill') {
	await cluster.stop(mode);
	await session.close();
	await cluster.again();
	const fresh = await Session.open(cluster);
	// It flushes once when it starts, which on a busy machine may be late, and from then on every ten seconds (QUIET).
	await until('the WAL writer sleeps', async () => (await fresh.value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walwriter' AND wait_event = 'WalWriterMain'")) === '1');
	return fresh;
}

test('a position of changes() claims no number above the last that is in the log', async () => {
	const cluster = await shop('bound', QUIET);
	try {
		let session = await Session.open(cluster);
		const start = await session.position();
		await session.sql("INSERT INTO item VALUES (1, 'durable')");
		await burn(session, 10);
		const before = await xid(session);
		const read = await session.changes(start);
		assert.deepEqual(read.ids, [1]);
		session = await crash(cluster, session);
		assert.ok(Number(await xid(session)) < Number(before), 'numbers are given out again');
		await session.sql("INSERT INTO item VALUES (2, 'under a number that was burnt')");
		assert.deepEqual((await session.changes(read.position)).ids, [2]);
		assert.deepEqual((await session.changes(start)).ids, [1, 2]);
		await session.close();
	} finally {
		await cluster.remove();
	}
});

test('what changes() delivered is durable, and what position() has seen too', async () => {
	const cluster = await shop('flush', QUIET);
	try {
		let session = await Session.open(cluster);
		await session.sql('SET synchronous_commit = off');
		const start = await session.position();
		await session.sql("INSERT INTO item VALUES (1, 'delivered')");
		const read = await session.changes(start);
		assert.deepEqual(read.ids, [1]);
		session = await crash(cluster, session);
		assert.deepEqual(await session.sql('SELECT id FROM item'), [['1']]);
		assert.deepEqual((await session.changes(read.position)).ids, []);

		await session.sql('SET synchronous_commit = off');
		await session.sql("INSERT INTO item VALUES (2, 'seen by a position')");
		const seen = await session.position();
		await session.sql("INSERT INTO item VALUES (3, 'seen by nobody')");
		session = await crash(cluster, session);
		assert.deepEqual(await session.sql('SELECT id FROM item ORDER BY id'), [['1'], ['2']]);
		await session.sql("INSERT INTO item VALUES (4, 'later')");
		assert.deepEqual((await session.changes(seen)).ids, [4]);
		await session.close();
	} finally {
		await cluster.remove();
	}
});

test('numbers of a restored log bound nothing here, and its changes are not those of new transactions', async () => {
	const source = await shop('source', QUIET);
	let target;
	try {
		const old = await Session.open(source);
		await old.sql('DO $$ BEGIN FOR i IN 1..300 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$');
		await old.sql("INSERT INTO item VALUES (1, 'from another life')");
		const last = Number(await old.value('SELECT max(xid::text::bigint) FROM lockstep.change'));
		const oldPosition = await old.position();
		await old.close();
		const dump = join(source.directory, 'dump');
		await run(bin('pg_dump'), ['-Fc', '-f', dump, await source.conninfo('shop', 'postgres')]);
		target = await Cluster.start('target', QUIET);
		await once(target, 'CREATE DATABASE shop', 'postgres');
		await run(bin('pg_restore'), ['--exit-on-error', '-d', await target.conninfo('shop', 'postgres'), dump]);

		let session = await Session.open(target);
		await session.sql(`DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint < ${last - 8} LOOP COMMIT; END LOOP; END $$`);
		const start = await session.position();
		await session.sql("INSERT INTO item VALUES (2, 'durable')");
		assert.deepEqual(await session.sql('SELECT max(era), count(*) FROM lockstep.era'), [['2', '2']]);
		await burn(session, 12);
		assert.ok(Number(await xid(session)) > last);
		const read = await session.changes(start);
		assert.deepEqual(read.ids, [2]);
		session = await crash(target, session);
		assert.ok(Number(await xid(session)) <= last, 'the number of the restored change is given out again');
		for (let id = 3; id < 20; ++id) {
			await session.sql(`INSERT INTO item VALUES (${id}, 'one of them has the number that id 1 had')`);
		}
		const expected = Array.from({ length: 17 }, (_, i) => i + 3);
		assert.deepEqual((await session.changes(read.position)).ids, expected);
		assert.deepEqual((await session.changes(start)).ids, [2, ...expected]);
		await assert.rejects(session.changes(oldPosition), { code: 'LS004' });
		await session.close();
	} finally {
		await target?.remove();
		await source.remove();
	}
});

test('over several crashes, readers are given each change that survives once, and none that does not', { timeout: 120_000 }, async (t) => {
	const seed = process.env.SEED ?? String(Math.floor(Math.random() * 1e9));
	t.diagnostic(`seed ${seed}`);
	const random = new Random(seed);
	const cluster = await shop('crashes', { wal_writer_delay: '10s', autovacuum: 'off', max_prepared_transactions: '20' });
	try {
		let next = 1;
		let session = await Session.open(cluster);
		const start = await session.position();
		const readers = Array.from({ length: 4 }, () => ({ position: start, ids: [] }));
		/** Positions taken by themselves: what they had seen. */
		const marks = [];
		for (let life = 0; life < 5; ++life) {
			const writers = await Promise.all([0, 1, 2].map(() => Session.open(cluster)));
			const here = random.stream(`life ${life}`);
			const write = async (writer, own) => {
				for (let i = 0; i < 25; ++i) {
					await writer.sql(`SET synchronous_commit = ${own.pick(['on', 'off', 'off'])}`);
					const id = next++;
					switch (own.int(0, 5)) {
						case 0:
							await writer.sql('BEGIN');
							await writer.sql('SELECT pg_current_xact_id()');
							await writer.sql(own.pick(['COMMIT', 'ROLLBACK']));
							break;
						case 1:
							await writer.sql('BEGIN');
							await writer.sql(`INSERT INTO item VALUES (${id}, 'rolled back')`);
							await writer.sql('ROLLBACK');
							break;
						case 2:
							await writer.sql('BEGIN');
							await writer.sql('SAVEPOINT a');
							await writer.sql(`INSERT INTO item VALUES (${id}, 'rolled back')`);
							await writer.sql('ROLLBACK TO a');
							await writer.sql(`INSERT INTO item VALUES (${next++}, 'kept')`);
							await writer.sql('COMMIT');
							break;
						default:
							await writer.sql(`INSERT INTO item VALUES (${id}, 'kept')`);
					}
				}
				await writer.sql('SET synchronous_commit = off');
				await writer.sql(`INSERT INTO item VALUES (${next++}, 'perhaps')`);
				await burn(writer, own.int(0, 6));
			};
			const read = async (reader, own) => {
				const mine = await Session.open(cluster);
				for (let i = 0; i < 12; ++i) {
					if (own.chance(0.4)) {
						await new Promise((done) => setTimeout(done, own.int(0, 30)));
					}
					const page = await mine.changes(reader.position, own.pick([undefined, 1, 2, 7]));
					reader.ids.push(...page.ids);
					reader.position = page.position;
					if (own.chance(0.3)) {
						await mine.sql('BEGIN ISOLATION LEVEL REPEATABLE READ');
						const ids = (await mine.sql('SELECT id FROM item')).map(([one]) => Number(one));
						marks.push({ ids, position: await mine.position() });
						await mine.sql('COMMIT');
					}
				}
				await mine.close();
			};
			await Promise.all([...writers.map((writer, i) => write(writer, here.stream(`writer ${life}.${i}`))),
				...readers.map((reader, i) => read(reader, here.stream(`reader ${life}.${i}`)))]);
			await cluster.stop(here.pick(['kill', 'immediate']));
			await Promise.all([session, ...writers].map((one) => one.close()));
			await cluster.again();
			session = await Session.open(cluster);
			const survived = new Set((await session.sql('SELECT id FROM item')).map(([id]) => Number(id)));
			for (const { ids } of [...readers, ...marks]) {
				assert.deepEqual(ids.filter((id) => !survived.has(id)), [], `seed ${seed}, life ${life}: given, and then lost`);
			}
		}
		await session.sql(`INSERT INTO item SELECT g, 'the end' FROM generate_series(${next}, ${next + 3}) g`);
		const all = (await session.sql('SELECT id FROM item ORDER BY id')).map(([id]) => Number(id));
		for (const { ids, position } of [...readers, ...marks]) {
			const rest = await session.changes(position);
			assert.deepEqual([...ids, ...rest.ids].sort((a, b) => a - b), all, `seed ${seed}: each once`);
		}
		await session.close();
	} finally {
		await cluster.remove();
	}
});

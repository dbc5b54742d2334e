// The log's segments, as the worker alone looks after them while others write, read, drop the database, and end it.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Random } from '../harness/random.js';
import { until } from '../harness/wait.js';
import { Session, once, shop } from './servers.js';

const seed = process.env.LOCKSTEP_SEED ?? String(Date.now());

let cluster;
before(async () => {
	cluster = await shop('segments', { 'lockstep.segment_size': '64kB', autovacuum_naptime: '1s', max_prepared_transactions: '5', max_connections: '50' });
});
after(() => cluster?.remove());

const value = async (text, database) => (await once(cluster, text, database))[0]?.[0];
const state = async (database) => {
	const [[all, closed, dropped]] = await once(cluster, `SELECT count(*), count(closed_at), coalesce((SELECT segments FROM lockstep.retirement), 0) FROM lockstep.segment`, database);
	return { all: Number(all), closed: Number(closed), dropped: Number(dropped) };
};
const logSize = async () => Number(await value('SELECT lockstep.log_bytes()'));

/** Sessions that write rows of their own, and of each other, until they are told to end; any error is a failure. */
class Writers {
	stopped = false;
	static start(base, count, random) {
		const writers = new Writers();
		writers.ended = Promise.all(Array.from({ length: count }, (_, i) => writers.#write(base + i, random.stream(`writer ${i}`))));
		writers.ended.catch(() => (writers.stopped = true));
		return writers;
	}
	async #write(number, random) {
		const session = await Session.open(cluster);
		await session.sql("SET lockstep.doorbell = 'auto'");
		try {
			for (let n = 1; !this.stopped; ++n) {
				const own = number * 1_000_000 + n;
				await session.sql(`BEGIN; INSERT INTO item VALUES (${own}, repeat('x', ${random.int(0, 300)}))`);
				if (random.chance(0.3)) {
					await session.sql(`SAVEPOINT s; UPDATE item SET v = 'gone' WHERE id = ${own}; ROLLBACK TO s`);
				}
				if (random.chance(0.02)) {
					await new Promise((next) => setTimeout(next, random.int(0, 300))); // an old transaction among young ones
				}
				await session.sql(`UPDATE item SET v = v || 'y' WHERE id IN (${own}, ${number * 1_000_000 + random.int(1, n)})`);
				await session.sql(random.chance(0.1) ? 'ROLLBACK' : 'COMMIT');
			}
		} finally {
			await session.close();
		}
	}
	async end() {
		this.stopped = true;
		await this.ended;
	}
}

/** Keeps a copy of `item` by its own chain of positions: each change must fit on what was there. */
class Reader {
	stopped = false;
	begun = 0;
	static start(random, mayBeginAnew) {
		const reader = new Reader();
		reader.mayBeginAnew = mayBeginAnew;
		reader.ended = reader.#read(random);
		reader.ended.catch(() => {});
		return reader;
	}
	async #begin(session) {
		await session.sql('BEGIN ISOLATION LEVEL REPEATABLE READ');
		this.copy = new Map(await session.sql('SELECT id, row_version FROM item'));
		this.position = await session.position();
		await session.sql('COMMIT');
		++this.begun;
	}
	async #read(random) {
		const session = await Session.open(cluster);
		try {
			await this.#begin(session);
			for (let resting = false; ; resting = this.stopped) {
				let rows;
				try {
					rows = await session.sql(`SELECT key ->> 'id', op, version, position FROM lockstep.changes('${this.position}', max_changes => ${random.int(1, 400)})`);
				} catch (error) {
					if (error.code !== 'LS004' || !this.mayBeginAnew) {
						throw error;
					}
					await this.#begin(session);
					continue;
				}
				for (const [id, op, version, position] of rows) {
					assert.equal(Number(version), op === 'insert' ? 1 : Number(this.copy.get(id)) + 1, `seed ${seed}: ${op} of row ${id}`);
					assert.equal(this.copy.has(id), op === 'update', `seed ${seed}: ${op} of row ${id}`);
					this.copy.set(id, version);
					this.position = position ?? this.position;
				}
				if (resting && rows.length === 0) {
					const table = await session.sql('SELECT id, row_version FROM item ORDER BY id');
					assert.deepEqual([...this.copy].sort(([a], [b]) => a - b), table, `seed ${seed}: the copy is the table`);
					return;
				}
			}
		} finally {
			await session.close();
		}
	}
	end() {
		this.stopped = true;
		return this.ended;
	}
}

async function among(count, mayBeginAnew, work) {
	const random = new Random(seed, `${count} ${mayBeginAnew}`);
	const base = Number(await value('SELECT coalesce(max(id), 0) / 1000000 + 1 FROM item'));
	const readers = Array.from({ length: 3 }, (_, i) => Reader.start(random.stream(`reader ${i}`), mayBeginAnew));
	const writers = Writers.start(base, count, random);
	try {
		await Promise.race([work(), writers.ended, ...readers.map(({ ended }) => ended)]);
	} finally {
		await writers.end();
	}
	await Promise.all(readers.map((reader) => reader.end()));
}

test('many write, several read: the worker rotates and closes, and nobody loses anything', async (t) => {
	t.diagnostic(`seed ${seed}`);
	await among(6, false, () => until('a dozen segments are closed', async () => (await state()).closed >= 12));
	await until('all but the newest are closed', async () => { const { all, closed } = await state(); return closed === all - 1; });
	t.diagnostic(JSON.stringify(await state()));
	assert.deepEqual(await once(cluster, `
		SELECT s.number FROM lockstep.segment s, LATERAL (
			SELECT count(*) AS changes, min(c.xid) AS first_xid, max(c.xid) AS last_xid FROM lockstep.change c WHERE c.segment = s.number) c
		WHERE s.closed_at IS NOT NULL AND (s.changes <> c.changes OR s.first_xid <> c.first_xid OR s.last_xid <> c.last_xid OR c.changes IS NULL)`), []);
});

test('a cap that is set while all this goes on: the oldest go, by the worker alone', async () => {
	await among(6, true, async () => {
		const before = await state();
		await once(cluster, "ALTER DATABASE shop SET lockstep.max_log_size = '1MB'");
		await until('six are dropped', async () => (await state()).dropped >= before.dropped + 6);
	});
	await until('the log is below its cap', async () => (await logSize()) <= 1024 * 1024);
});

test('a setting that is taken back does not hold any more, for the worker neither', async () => {
	await once(cluster, "ALTER DATABASE shop RESET lockstep.max_log_size; ALTER DATABASE shop SET lockstep.segment_size = '1GB'");
	const { all } = await state();
	await among(3, true, () => until('the log is above what was its cap', async () => (await logSize()) > 1.5 * 1024 * 1024));
	const later = await state();
	assert.ok(later.all <= all + 1, 'it did not go on to the next segment');
	await once(cluster, 'ALTER DATABASE shop RESET lockstep.segment_size');
	await among(3, true, () => until('two more are closed', async () => (await state()).closed >= later.closed + 2));
});

test('a time to keep changes for, set for the server', async () => {
	await once(cluster, "ALTER SYSTEM SET lockstep.log_retention = '2s'");
	await once(cluster, 'SELECT pg_reload_conf()');
	// The worker looks while there are changes.
	await until('what is old is gone', async () => {
		await once(cluster, 'UPDATE item SET v = md5(random()::text) WHERE id = (SELECT min(id) FROM item)');
		return value("SELECT count(*) = 0 FROM lockstep.segment WHERE last_at < clock_timestamp() - interval '3 s'").then((gone) => gone === 't');
	});
	await once(cluster, 'ALTER SYSTEM RESET lockstep.log_retention');
	await once(cluster, 'SELECT pg_reload_conf()');
});

test('doctor() names who keeps a segment from being closed, and from being dropped', async () => {
	const faults = () => once(cluster, "SELECT detail, hint FROM lockstep.doctor() WHERE name LIKE 'segment %' AND detail LIKE 'cannot%'");
	// As if it had been so for an hour.
	const later = () => once(cluster, "UPDATE lockstep.segment SET opened_at = opened_at - interval '1 h', closed_at = closed_at - interval '1 h', last_at = last_at - interval '1 h'");
	const writer = await Session.open(cluster);
	const reader = await Session.open(cluster);
	try {
		const pid = await writer.value('SELECT pg_backend_pid()');
		await writer.sql("BEGIN; INSERT INTO item VALUES (-1, 'held'); SELECT count(*) FROM lockstep.changes(lockstep.position())");
		// Written, not only waiting in the session's memory.
		await writer.sql("SAVEPOINT s; INSERT INTO item SELECT -i, repeat('x', 300) FROM generate_series(10, 9000) i");
		const { all } = await state();
		await among(2, true, () => until('the next segment is made', async () => (await state()).all > all));
		assert.deepEqual(await faults(), [], 'not at once');
		await later();
		assert.deepEqual(await faults(), [[`cannot be closed, as process ${pid} still writes to it`, `Let its transaction end, or run pg_terminate_backend(${pid}).`]]);
		await writer.sql("PREPARE TRANSACTION 'it''s forgotten'");
		assert.deepEqual(await faults(), [["cannot be closed, as prepared transaction 'it''s forgotten' still writes to it", "Run COMMIT PREPARED 'it''s forgotten' or ROLLBACK PREPARED 'it''s forgotten'."]]);
		await writer.sql("ROLLBACK PREPARED 'it''s forgotten'");
		await until('it is closed', async () => { await once(cluster, 'SELECT lockstep.maintain()'); const { all, closed } = await state(); return closed === all - 1; });

		const readerPid = await reader.value('SELECT pg_backend_pid()');
		await reader.sql('BEGIN; SELECT count(*) FROM lockstep.change');
		await later();
		await once(cluster, "ALTER DATABASE shop SET lockstep.log_retention = '10min'");
		const found = await faults();
		assert.ok(found.length > 0);
		for (const fault of found) {
			assert.deepEqual(fault, [`cannot be dropped, as process ${readerPid} still reads the log`, `Let its transaction end, or run pg_terminate_backend(${readerPid}).`]);
		}
		await reader.sql('COMMIT');
		await until('they are dropped', async () => { await once(cluster, 'SELECT lockstep.maintain()'); return (await faults()).length === 0; });
	} finally {
		await once(cluster, 'ALTER DATABASE shop RESET lockstep.log_retention');
		await writer.close();
		await reader.close();
	}
});

/** Makes the chores of a database stop in the middle of making or closing a segment, and waits until they stand there. */
async function standing(database) {
	await once(cluster, `
		CREATE OR REPLACE FUNCTION hold() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
			IF (SELECT a.backend_type = 'lockstep chores' FROM pg_stat_activity a WHERE a.pid = pg_backend_pid()) THEN PERFORM pg_sleep(3600); END IF;
		END $$;
		DROP EVENT TRIGGER IF EXISTS hold;
		CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION hold();
		ALTER EVENT TRIGGER hold ENABLE ALWAYS`, database);
	let id = Number(await value('SELECT coalesce(max(id), 0) FROM item', database));
	return until('the chores are in the middle of something', async () => {
		await once(cluster, `INSERT INTO item SELECT i, repeat('x', 200) FROM generate_series(${id + 1}, ${id + 300}) i`, database);
		id += 300;
		return value(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'lockstep chores' AND datname = '${database}' AND wait_event = 'PgSleep'`, 'postgres');
	});
}
const freed = async (database) => {
	await once(cluster, 'DROP EVENT TRIGGER hold', database);
	await once(cluster, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND wait_event = 'PgSleep'`, 'postgres');
	await until(`the worker of ${database} closes segments`, async () => { const { all, closed } = await state(database); return all > 1 && closed === all - 1; });
};

test('the process that does the chores is ended: the worker begins another', async () => {
	const pid = await standing('shop');
	await once(cluster, `SELECT pg_terminate_backend(${pid})`);
	await freed('shop');
});

test('while chores are done, the database is copied, renamed and dropped', async () => {
	await standing('shop');
	await once(cluster, 'CREATE DATABASE other TEMPLATE shop', 'postgres');
	await standing('other');
	await once(cluster, 'ALTER DATABASE other RENAME TO third', 'postgres');
	await freed('third');
	await standing('third');
	await once(cluster, 'DROP DATABASE third', 'postgres');
	await freed('shop');
});

test('the server is stopped while chores are done', async () => {
	await standing('shop');
	await cluster.stop('fast');
	await cluster.again();
	await freed('shop');
});

test('the extension is dropped while chores are due, and comes again', async () => {
	const random = new Random(seed, 'dropped');
	const writers = Writers.start(500, 4, random);
	try {
		const { all } = await state();
		await Promise.race([until('segments come', async () => (await state()).all > all + 2), writers.ended]);
	} finally {
		await writers.end();
	}
	await once(cluster, 'DROP EXTENSION lockstep');
	assert.deepEqual(await once(cluster, "SELECT relname FROM pg_class WHERE relname LIKE 'change_%' AND relkind = 'r'"), []);
	await once(cluster, "CREATE EXTENSION lockstep; SELECT lockstep.track('item')");
	await standing('shop');
	await freed('shop');
});

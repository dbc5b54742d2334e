// track(), untrack() and DROP EXTENSION on tables that are in use: no writer waits for the one in whose way they are, nobody is caught in a
// deadlock, and the tables keep what they have.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { Cluster } from '../harness/cluster.js';
import { until } from '../harness/wait.js';

let cluster;
before(async () => {
	cluster = await Cluster.start('busy', { deadlock_timeout: '200ms' });
	await cluster.sql(`CREATE EXTENSION lockstep;
		CREATE TABLE a (id integer PRIMARY KEY, v integer NOT NULL DEFAULT 0);
		CREATE TABLE b (id integer PRIMARY KEY, v integer NOT NULL DEFAULT 0);
		INSERT INTO a SELECT generate_series(1, 1000); INSERT INTO b SELECT generate_series(1, 1000)`);
});
after(() => cluster?.remove());

async function connection() {
	const [, host, port] = /host=(\S+) port=(\d+)/.exec(await cluster.conninfo('postgres', 'postgres'));
	return { host, port: Number(port), user: 'postgres', database: 'postgres' };
}

test('a writer passes while track() waits for a reader', async () => {
	// The reader ends when told to, and the writer gives up if it does not pass before that.
	const reader = new pg.Client(await connection());
	await reader.connect();
	let tracked = false;
	try {
		await reader.query('BEGIN');
		await reader.query('SELECT count(*) FROM a');
		const tracking = cluster.sql("SELECT lockstep.track('a')").then(() => { tracked = true; });
		await until('track() waits', async () => (await cluster.sql("SELECT count(*) FROM pg_locks WHERE relation = 'a'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted"))[0][0] === '1');
		// It would wait behind track(), which waits for the reader.
		await cluster.sql("SET lock_timeout = '20s'; UPDATE a SET v = v + 1 WHERE id = 1");
		assert.equal(tracked, false);
		await reader.query('COMMIT');
		await tracking;
	} finally {
		await reader.end();
	}
	assert.deepEqual(await cluster.sql('SELECT table_name FROM lockstep.tracked'), [['public.a']]);
});

// The schedules in which a deadlock is certain are in tests/isolation/specs/lock_patience.spec; here it is what the tables hold in the end.
test('tables come under care and leave it, and the extension goes, while others write to them in any order', async () => {
	const failures = [];
	let writes = 0;
	let ending = false;
	const write = async (first, second) => {
		while (!ending) {
			await cluster.sql(`BEGIN; UPDATE ${first} SET v = v + 1 WHERE id = 7; UPDATE ${second} SET v = v + 1 WHERE id = ${first === 'a' ? 8 : 9}; COMMIT`)
				.then(() => { ++writes; }, (error) => failures.push(error.message));
		}
	};
	const writers = [write('a', 'b'), write('b', 'a'), write('a', 'b')];
	const atWork = async () => { const before = writes; await until('they write', () => writes > before + 3); };
	try {
		await atWork();
		await cluster.sql("SELECT lockstep.track('b')");
		await atWork();
		await cluster.sql("SELECT lockstep.untrack('a', drop_version_column => true)");
		await atWork();
		await cluster.sql("SELECT lockstep.track('a')");
		await atWork();
		await cluster.sql('DROP EXTENSION lockstep');
		await atWork();
		await cluster.sql('CREATE EXTENSION lockstep');
		await cluster.sql("SELECT lockstep.track('a')");
		await atWork();
		await cluster.sql('DROP EXTENSION lockstep CASCADE');
		await atWork();
	} finally {
		ending = true;
		await Promise.all(writers);
	}
	assert.deepEqual(failures, []);
	assert.deepEqual(await cluster.sql('SELECT count(*), sum(v) FROM (SELECT v FROM a UNION ALL SELECT v FROM b) r'), [['2000', String(2 * writes + 1)]]);
	assert.deepEqual(await cluster.sql("SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'row_version' AND attrelid IN ('a'::regclass, 'b'::regclass) ORDER BY 1"), [['a'], ['b']]);
	assert.deepEqual(await cluster.sql("SELECT count(*) FROM pg_trigger WHERE tgname ~ 'lockstep'"), [['0']]);
});

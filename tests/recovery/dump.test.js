// Dumps: what comes back is versioned, checked and logged as before, and a position from another life is refused.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { Cluster } from '../harness/cluster.js';
import { bin } from './servers.js';

const run = promisify(execFile);

let cluster;
let beforeDump;
before(async () => {
	cluster = await Cluster.start('recovery');
	await cluster.sql('CREATE DATABASE shop');
	await cluster.sql(`
		CREATE EXTENSION lockstep;
		CREATE TABLE orders (id int PRIMARY KEY, status text);
		CREATE TABLE visits (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
		CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
		CREATE TABLE "Visits later" PARTITION OF visits FOR VALUES FROM ('2027-01-01') TO ('2030-01-01') PARTITION BY RANGE (day);
		CREATE TABLE visits_2027 PARTITION OF "Visits later" FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
		CREATE TABLE coded (code text NOT NULL, note text);
		CREATE UNIQUE INDEX coded_code ON coded (code);
		CREATE TABLE note (edits lockstep.version_vector PRIMARY KEY, "all" lockstep.version_vector[], CHECK (edits OPERATOR(lockstep.>=) '{}'));
		CREATE INDEX ON note USING hash (edits);
		INSERT INTO note VALUES ('{}', NULL), ('{"new york":9223372036854775807,zürich:1}', '{NULL,"{a:1}"}');
		SELECT lockstep.track('orders', exclude_columns => '{status}'), lockstep.track('visits'), lockstep.track('coded', key_columns => '{code}');
		CREATE ROLE shop_bridge LOGIN; GRANT lockstep_bridge TO shop_bridge`, 'shop');
	await cluster.sql("SET lockstep.actor = 'alice'; INSERT INTO orders SELECT g, 'open' FROM generate_series(1, 50) g; INSERT INTO visits VALUES (1, '2026-05-05'), (2, '2027-05-05')", 'shop');
	await cluster.sql("SET lockstep.actor = 'bob'; UPDATE orders SET status = 'done' WHERE id <= 10", 'shop');
	[[beforeDump]] = await cluster.sql('SELECT lockstep.position()', 'shop');
	await run(bin('pg_dump'), ['-Fc', '-f', join(cluster.directory, 'shop.dump'), await cluster.conninfo('shop', 'postgres')]);
	await run(bin('pg_dump'), ['-f', join(cluster.directory, 'shop.sql'), await cluster.conninfo('shop', 'postgres')]);
});
after(() => cluster?.remove());

const restore = async (database, ...options) =>
	run(bin('pg_restore'), [...options, '--exit-on-error', '-d', await cluster.conninfo(database, 'postgres'), join(cluster.directory, 'shop.dump')]);

const WAYS = {
	'by pg_restore': (database) => restore(database),
	'by pg_restore in one transaction': (database) => restore(database, '--single-transaction'),
	'by psql': (database) => cluster.psql('-q', '-1', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', join(cluster.directory, 'shop.sql')),
	'in sections, the data in parallel': async (database) => {
		await restore(database, '--section=pre-data');
		await restore(database, '--section=data', '-j', '4');
		await restore(database, '--section=post-data');
	},
	'schema first, data later': async (database) => {
		await restore(database, '--schema-only');
		await restore(database, '--data-only', '--disable-triggers');
		const weak = await cluster.sql("SELECT name FROM lockstep.doctor() WHERE detail LIKE '%is not enabled for replicas' ORDER BY 1", database);
		assert.deepEqual(weak, [['table public.coded'], ['table public.orders'], ['table public.visits']]);
		await cluster.sql(`
			DO $$ DECLARE command text; BEGIN
				FOR command IN SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgname LIKE '_lockstep%' AND tgenabled <> 'A'
				LOOP EXECUTE command; END LOOP;
			END $$`, database);
	},
};

for (const [way, restoreIt] of Object.entries(WAYS)) {
	test(`a dump is restored ${way}`, async () => {
		await cluster.sql('CREATE DATABASE copy');
		try {
			await restoreIt('copy');
			const sql = (text) => cluster.sql(text, 'copy');
			assert.deepEqual(await sql("SELECT name, detail FROM lockstep.doctor() WHERE status = 'error'"), []);
			const tracked = 'SELECT table_name, key_columns, version_column, exclude_columns FROM lockstep.tracked ORDER BY 1';
			assert.deepEqual(await sql(tracked), await cluster.sql(tracked, 'shop'));
			const triggers = "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE '_lockstep%' ORDER BY 1, 2";
			assert.deepEqual(await sql(triggers), await cluster.sql(triggers, 'shop'));

			const notes = 'SELECT edits, "all", edits::jsonb AS object FROM note ORDER BY edits';
			assert.deepEqual(await sql(notes), await cluster.sql(notes, 'shop'));
			await assert.rejects(sql("INSERT INTO note VALUES ('{zürich:1,new york:9223372036854775807}')"), /invalid input syntax/);
			await assert.rejects(sql(`INSERT INTO note VALUES ('{zürich:1,"new york":9223372036854775807}')`), /duplicate key/);

			await assert.rejects(sql("UPDATE orders SET status = 'lost', row_version = 1 WHERE id = 1"), /version 1 was expected, 2 is current/);
			await assert.rejects(sql(`SELECT * FROM lockstep.changes('${beforeDump}')`), /position "since" is not covered[^]*taken in another database/);

			const [[here]] = await sql('SELECT lockstep.position()');
			await sql("SET lockstep.actor = 'carol'; UPDATE orders SET status = 'sent', row_version = 2 WHERE id = 1");
			await sql("SET lockstep.actor = 'dora'; TRUNCATE visits_2027");
			await sql("SET lockstep.actor = 'carol'; CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')");
			assert.deepEqual(await sql(`SELECT DISTINCT op, table_name, version, actor FROM lockstep.changes('${here}') ORDER BY 1, 2, 4`), [
				['schema', 'public.visits', '', 'carol'],
				['schema', 'public.visits', '', 'dora'],
				['update', 'public.orders', '3', 'carol'],
			]);
			await sql('TRUNCATE visits_2025');
			assert.deepEqual(await sql("SELECT name, detail FROM lockstep.doctor() WHERE status = 'error'"), []);
			// The old log is there, with who did it.
			assert.deepEqual(await sql("SELECT count(*) FROM lockstep.change c JOIN lockstep.origin o ON o.id = c.origin WHERE o.actor = 'bob' AND c.op = 'u'"), [['10']]);
		} finally {
			await cluster.sql('DROP DATABASE copy WITH (FORCE)');
		}
	});
}

test('a dump is restored over the database it came from: positions from before are refused', async () => {
	await cluster.sql("UPDATE orders SET status = 'after the dump' WHERE id = 20", 'shop');
	const [[earlier]] = await cluster.sql('SELECT lockstep.position()', 'shop');
	await cluster.sql('DROP TABLE visits', 'shop'); // what pg_dump says with --clean of a partition's constraint cannot be executed
	await restore('shop', '--clean', '--if-exists');
	assert.deepEqual(await cluster.sql('SELECT row_version FROM orders WHERE id = 20', 'shop'), [['1']]);
	assert.deepEqual(await cluster.sql('SELECT max(era), count(*) FROM lockstep.era', 'shop'), [['2', '2']]);
	for (const position of [beforeDump, earlier]) {
		await assert.rejects(cluster.sql(`SELECT * FROM lockstep.changes('${position}')`, 'shop'), /not covered[^]*taken before lockstep was created anew in this database/);
	}
	const [[here]] = await cluster.sql('SELECT lockstep.position()', 'shop');
	await cluster.sql("UPDATE orders SET status = 'restored' WHERE id = 20", 'shop');
	assert.deepEqual(await cluster.sql(`SELECT op, key FROM lockstep.changes('${here}')`, 'shop'), [['update', '{"id": 20}']]);
});

// A server on which the library is not preloaded: everything works but the doorbell, and that too where it is asked for.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Cluster } from '../harness/cluster.js';

let cluster;
before(async () => {
	cluster = await Cluster.start('unloaded', { shared_preload_libraries: '', max_prepared_transactions: '5' });
	await cluster.sql('CREATE DATABASE shop');
	await cluster.sql('CREATE EXTENSION lockstep; CREATE TABLE orders (id int PRIMARY KEY, status text); SELECT lockstep.track(\'orders\')', 'shop');
});
after(() => cluster?.remove());

const sql = (text) => cluster.sql(text, 'shop');
const worker = async () => (await sql("SELECT status, detail FROM lockstep.doctor() WHERE name = 'worker'"))[0];

/** What a session that listens hears of these statements, each a transaction of its own. */
async function heard(...statements) {
	const { stdout } = await cluster.psql('-d', 'shop', '-q', '-c', 'LISTEN lockstep', ...statements.flatMap((one) => ['-c', one]));
	return (stdout.match(/Asynchronous notification "lockstep"/g) ?? []).length;
}

test('a session loads the library when it needs it, and changes are versioned, checked and logged', async () => {
	const [[here]] = await sql('SELECT lockstep.position()');
	await sql("SET lockstep.actor = 'alice'; INSERT INTO orders VALUES (1, 'open'); UPDATE orders SET status = 'done', row_version = 1 WHERE id = 1");
	await assert.rejects(sql("UPDATE orders SET status = 'lost', row_version = 1 WHERE id = 1"), /record 1 of "orders" was changed by alice/);
	assert.deepEqual(await sql(`SELECT op, version, actor FROM lockstep.changes('${here}')`), [['insert', '1', 'alice'], ['update', '2', 'alice']]);
});

test('doctor() says that nobody rings, and nobody does', async () => {
	assert.equal((await sql('SELECT lockstep.worker_status() IS NULL'))[0][0], 't');
	assert.deepEqual(await worker(), ['warning', 'the library is not preloaded: readers learn of changes by polling']);
	assert.equal(await heard("INSERT INTO orders VALUES (2, 'open')"), 0);
});

test('where it is asked for, each transaction that changes something notifies by itself', async () => {
	await sql("ALTER DATABASE shop SET lockstep.doorbell = 'transaction'");
	try {
		assert.deepEqual(await worker(), ['ok', 'none: transactions notify by themselves']);
		assert.equal(await heard("INSERT INTO orders VALUES (3, 'open')", "UPDATE orders SET status = 'done' WHERE id = 3"), 2);
		assert.equal(await heard("UPDATE orders SET status = 'done' WHERE id = 3", 'SELECT count(*) FROM orders'), 0);
	} finally {
		await sql('ALTER DATABASE shop RESET lockstep.doorbell');
	}
});

test('a transaction can be prepared in either case, and is read when it is committed', async () => {
	for (const doorbell of ['auto', 'transaction']) {
		const [[here]] = await sql('SELECT lockstep.position()');
		const prepared = await cluster.psql('-d', 'shop', '-q', '-v', 'ON_ERROR_STOP=1', '-c', `SET lockstep.doorbell = '${doorbell}'`,
			'-c', "BEGIN; UPDATE orders SET status = status || '!'; PREPARE TRANSACTION 'p'");
		assert.equal(prepared.stderr, '');
		assert.deepEqual(await sql(`SELECT op FROM lockstep.changes('${here}')`), []);
		await sql("COMMIT PREPARED 'p'");
		const [[count]] = await sql('SELECT count(*) FROM orders');
		assert.deepEqual(await sql(`SELECT count(*) FROM lockstep.changes('${here}')`), [[count]]);
	}
});

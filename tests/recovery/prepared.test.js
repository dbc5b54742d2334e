// Two-phase commit: what was prepared is delivered once, whoever commits it, and whatever happened in between.

import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../harness/wait.js';
import { refused, Session, shop } from './servers.js';

const insert = (id) => `INSERT INTO item VALUES (${id}, 'x')`;

for (const mode of ['immediate', 'kill']) {
	test(`prepared, crashed (${mode}), and committed or rolled back by another session`, async () => {
		const cluster = await shop('prepared', { max_prepared_transactions: '10' });
		try {
			let session = await Session.open(cluster);
			const before = await session.position();
			await session.sql('BEGIN');
			await session.sql(insert(1));
			await session.sql('SAVEPOINT a');
			await session.sql(insert(2));
			const own = await session.position();
			await session.sql("PREPARE TRANSACTION 'kept'");
			const prepared = await session.position();
			await session.sql('BEGIN');
			await session.sql(insert(3));
			await session.sql("PREPARE TRANSACTION 'dropped'");
			await session.sql(insert(4));
			const read = await session.changes(before);
			assert.deepEqual(read.ids, [4]);
			await cluster.stop(mode);
			await session.close();
			await cluster.again();

			session = await Session.open(cluster);
			const recovered = await session.position();
			assert.deepEqual((await session.changes(before)).ids, [4]);
			assert.deepEqual((await session.changes(recovered)).ids, []);
			await until('the worker is there', async () => (await session.value('SELECT lockstep.worker_status()')) === 'running');
			const listener = await Session.open(cluster);
			let rings = 0;
			listener.client.on('notification', () => ++rings);
			await listener.sql('LISTEN lockstep');
			await session.sql("ROLLBACK PREPARED 'dropped'");
			await session.sql("COMMIT PREPARED 'kept'");
			const after = await session.position();
			await until('the bell rings', () => rings > 0);
			for (const position of [before, own, prepared]) {
				assert.deepEqual((await session.changes(position)).ids, [1, 2, 4]);
			}
			for (const position of [read.position, recovered]) {
				assert.deepEqual((await session.changes(position)).ids, [1, 2]);
			}
			assert.deepEqual((await session.changes(after)).ids, []);
			await refused('42704', session.sql("COMMIT PREPARED 'dropped'"));
			await session.close();
			await listener.close();
		} finally {
			await cluster.remove();
		}
	});
}

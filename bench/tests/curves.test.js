// The curves, small: a look finds what its name says, or pgbench fails. Whether the figures are good is not asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stand } from '../lib/stand.js';
import { run, tables } from '../measure/curves.js';

test('each step of each curve has a figure for each look', async () => {
	const stand = await Stand.start();
	try {
		const figures = await run({ stand, repetitions: 1, quick: true });
		assert.deepEqual(figures.rows.map(({ curve, at }) => [curve, at]), [['log', 1000], ['log', 4000], ['open', 0], ['open', 1000], ['aborted', 0], ['aborted', 2000], ['segments', 1], ['segments', 4]]);
		for (const row of figures.rows) {
			for (const look of ['select', 'empty', 'one', 'page']) {
				assert.ok(row[`${look}_us`].median > 0, look);
			}
		}
		const [log] = tables(figures);
		assert.equal(log.name, 'curves-log');
		assert.deepEqual(log.columns.slice(1), ['`SELECT 1`', 'nothing new', 'one change', 'a page of 2,000']);
	} finally {
		await stand.stop();
	}
});

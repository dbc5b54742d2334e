// The whole instrument once, small: server, bridge, load client, results. Whether the figures are good is not asked.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../lib/root.js';

test('clients receive each change exactly once, and the results say so', async () => {
	const directory = await mkdtemp(join(tmpdir(), 'lockstep-bench.'));
	try {
		const output = join(directory, 'results.json');
		const { stdout } = await promisify(execFile)(process.execPath, ['bench/run.js', '--quick', '--output', output, 'latency'], { cwd: ROOT });
		const { measurements: { latency } } = JSON.parse(await readFile(output, 'utf8'));
		assert.deepEqual(latency.rows.map(({ clients, rate }) => [clients, rate]), [[100, 20], [100, 100]]);
		for (const row of latency.rows) {
			assert.equal(row.missing.max, 0);
			assert.equal(row.changes_per_frame.median >= 1, true);
			assert.ok(Math.abs(row.deliveries_per_s.median / row.changes_per_s.median - row.clients) < 1, 'each change to each client');
		}
		assert.match(stdout, /Latency: commit to receipt\n\nclients +changes\/s/);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
});

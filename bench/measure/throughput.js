// Deliveries per second, the writers as fast as the average client allows.

import { fanOut, figures } from '../lib/fanout.js';
import { Series } from '../lib/series.js';
import { turns } from '../lib/stats.js';
import { figure, spread } from '../lib/table.js';

export const title = 'Throughput';
const WRITERS = 4;

// A small window keeps latency low, a large one lets the bridge gather; then transactions of several rows.
const LOADS = [
	{ changes: 1, window: 16 },
	{ changes: 1, window: 128 },
	{ changes: 1, window: 1024 },
	{ changes: 10, window: 4096 },
];

export async function run({ stand, repetitions, quick }) {
	const cases = (quick ? [50] : [100, 1000]).flatMap((clients) => LOADS.map((load) => ({ clients, ...load })));
	const seconds = quick ? 1 : 4;
	const series = new Series();
	for (let number = 0; number < repetitions; number += 1) {
		for (const one of turns(cases, number)) {
			const options = { ...one, writers: WRITERS, seconds, warmup: quick ? 1 : 2 };
			series.add(one, figures(await fanOut(stand, 'saturate', options, false)));
		}
	}
	const order = (row) => cases.findIndex((one) => one.clients === row.clients && one.changes === row.changes && one.window === row.window);
	return { seconds, writers: WRITERS, rows: series.rows().sort((a, b) => order(a) - order(b)) };
}

export function tables({ rows }) {
	return [
		{
			name: 'throughput',
			caption: 'deliveries at full speed',
			columns: [
				'clients', 'rows per transaction', 'window', 'changes/s', 'deliveries/s', 'frames/s', 'p50 ms', 'p99 ms',
				'bridge CPU µs per delivery', 'per frame', 'server', 'load client', 'behind', 'missing',
			],
			rows: rows.map((row) => [
				row.clients.toLocaleString('en-US'),
				String(row.changes),
				row.window.toLocaleString('en-US'),
				spread(row.changes_per_s),
				spread(row.deliveries_per_s),
				spread(row.frames_per_s),
				spread(row.p50_ms),
				spread(row.p99_ms),
				figure(row.bridge_cpu_us.median),
				figure(row.bridge_cpu_us_per_frame.median),
				figure(row.server_cpu_us.median),
				figure(row.load_cpu_us.median),
				String(row.behind.max),
				String(row.missing.max),
			]),
		},
	];
}

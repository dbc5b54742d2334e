// Commit to receipt, with many clients and changes at a steady rate.

import { fanOut, figures } from '../lib/fanout.js';
import { Series } from '../lib/series.js';
import { summary, turns } from '../lib/stats.js';
import { figure, spread } from '../lib/table.js';

export const title = 'Latency';
const RATES = [20, 100, 300, 1000];

export async function run({ stand, repetitions, quick }) {
	const clients = quick ? 100 : 1000;
	const rates = quick ? RATES.slice(0, 2) : RATES;
	const seconds = quick ? 2 : 8;
	const series = new Series();
	const curves = new Map(rates.map((rate) => [rate, []]));
	for (let number = 0; number < repetitions; number += 1) {
		for (const rate of turns(rates, number)) {
			const result = await fanOut(stand, 'latency', { clients, rate, writers: rate > 100 ? 4 : 1, seconds, warmup: quick ? 1 : 3 });
			series.add({ clients, rate }, figures(result));
			curves.get(rate).push(result.curve);
		}
	}
	return {
		seconds,
		rows: series.rows().sort((a, b) => a.rate - b.rate),
		curves: [...curves].map(([rate, ofRate]) => ({
			clients,
			rate,
			// The median of the repetitions, point by point.
			points: ofRate[0].map(([q], i) => [q, summary(ofRate.map((curve) => curve[i][1])).median]),
		})),
	};
}

export function tables({ rows }) {
	return [
		{
			name: 'latency',
			caption: 'commit to receipt',
			columns: [
				'clients', 'changes/s', 'deliveries/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'commit p50 ms',
				'writer late by, at worst', 'bridge CPU µs per delivery', 'server', 'load client', 'missing',
			],
			rows: rows.map((row) => [
				row.clients.toLocaleString('en-US'),
				row.rate.toLocaleString('en-US'),
				figure(row.deliveries_per_s.median),
				spread(row.p50_ms),
				spread(row.p99_ms),
				spread(row.p999_ms),
				figure(row.commit_p50_ms.median),
				figure(row.late_ms.max),
				figure(row.bridge_cpu_us.median),
				figure(row.server_cpu_us.median),
				figure(row.load_cpu_us.median),
				String(row.missing.max),
			]),
		},
	];
}

// Memory for each session that is subscribed and has nothing to do.

import { fanOutStand } from '../lib/fanout.js';
import { cpuSeconds, memory, socketMemory } from '../lib/processes.js';
import { Series } from '../lib/series.js';
import { figure, spread } from '../lib/table.js';

export const title = 'Idle sessions';

export async function run({ stand, repetitions, quick }) {
	const clients = quick ? 200 : 5000;
	const watched = quick ? 1 : 10; // seconds
	const series = new Series();
	for (let number = 0; number < Math.min(repetitions, 3); number += 1) {
		const bridge = await fanOutStand(stand);
		const empty = memory(bridge.pid);
		const emptySockets = socketMemory();
		let live;
		const connected = new Promise((done) => (live = done));
		const load = stand.load('idle', { port: bridge.port, table: 'public.tick', clients, threads: 2 }, (event) => {
			if (event.event === 'live') {
				live();
			}
		});
		await Promise.race([connected, load.result]);
		const before = cpuSeconds(bridge.pid);
		await new Promise((next) => setTimeout(next, watched * 1000));
		const cpu = cpuSeconds(bridge.pid) - before;
		const full = memory(bridge.pid);
		const sockets = socketMemory();
		load.endInput();
		await load.result;
		await bridge.stop();
		series.add({ clients }, {
			pss_kb: (full.pss - empty.pss) / clients,
			rss_kb: (full.rss - empty.rss) / clients,
			peak_kb: (full.peak - empty.rss) / clients,
			socket_kb: (sockets - emptySockets) / clients,
			empty_kb: empty.pss,
			cpu_share: cpu / watched,
		});
	}
	return { rows: series.rows() };
}

export function tables({ rows }) {
	return [
		{
			name: 'idle',
			caption: 'memory of the bridge',
			columns: [
				'sessions', 'kB each (PSS)', 'kB each (RSS)', 'at the peak, while connecting', 'kernel, both ends',
				'the bridge without sessions, MB', 'its CPU, % of one core',
			],
			rows: rows.map((row) => [
				row.clients.toLocaleString('en-US'),
				spread(row.pss_kb),
				spread(row.rss_kb),
				spread(row.peak_kb),
				spread(row.socket_kb),
				spread(row.empty_kb, (value) => figure(value / 1024)),
				spread(row.cpu_share, (value) => figure(value * 100)),
			]),
		},
	];
}

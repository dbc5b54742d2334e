// What a tracked table costs where the disk, not the processor, decides: each flush of the WAL takes a millisecond longer, as on a disk
// across a network. (commit_delay is the server's own; a flush here takes a tenth of that.)

import { Series } from '../lib/series.js';
import { turns } from '../lib/stats.js';
import { share, spread } from '../lib/table.js';
import { SCRIPTS, TITLES, makeTable } from '../variants.js';

export const title = 'A slow disk';
const VARIANTS = ['plain', 'lockstep', 'audit'];
const WRITERS = [1, 4];
const SLOW = { commit_delay: '1000', commit_siblings: '0' };

export async function run({ stand, repetitions, quick }) {
	const rows = quick ? 2_000 : 100_000;
	const seconds = quick ? 1 : 3;
	const script = SCRIPTS.update(rows);
	const series = new Series();
	for (let number = 0; number < repetitions; number += 1) {
		for (const writers of WRITERS) {
			const { client } = await stand.freshDatabase();
			for (const variant of turns(VARIANTS, number)) {
				await makeTable(client, variant, rows);
				await stand.pgbench(script, { clients: writers, seconds: 1, settings: SLOW });
				const { tps, cpu_us } = await stand.pgbench(script, { clients: writers, seconds, settings: SLOW });
				series.add({ writers, variant }, { rate: tps, cpu_us });
			}
		}
	}
	return { rows_in_table: rows, seconds, rows: series.rows({ figure: 'rate', variant: 'plain' }) };
}

export function tables({ rows }) {
	return [{
		name: 'slow_disk',
		caption: 'commits/s, each flush of the WAL a millisecond longer',
		columns: ['', ...WRITERS.flatMap((writers) => [`${writers} writer${writers === 1 ? '' : 's'}`, 'to plain'])],
		rows: VARIANTS.map((variant) => [
			TITLES[variant],
			...WRITERS.flatMap((writers) => {
				const row = rows.find((one) => one.writers === writers && one.variant === variant);
				return [spread(row.rate), spread(row.ratio, share)];
			}),
		]),
	}];
}

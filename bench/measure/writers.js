// Commits of many writers at once: does telling the listeners make them wait for each other?

import { Series } from '../lib/series.js';
import { turns } from '../lib/stats.js';
import { share, spread } from '../lib/table.js';
import { SCRIPTS, TITLES as NAMES, makeTable } from '../variants.js';

export const title = 'Many writers';
// `silent` is lockstep with its doorbell off: what ringing costs.
const VARIANTS = ['plain', 'lockstep', 'silent', 'notify'];
const TITLES = { ...NAMES, silent: 'lockstep, `lockstep.doorbell = off`' };
const WRITERS = [1, 8, 64];

export async function run({ stand, repetitions, quick }) {
	const rows = quick ? 2_000 : 100_000;
	const seconds = quick ? 1 : 2;
	const script = SCRIPTS.update(rows);
	const series = new Series();
	for (let number = 0; number < repetitions; number += 1) {
		for (const synchronous of [true, false]) {
			for (const writers of WRITERS) {
				const { name, client } = await stand.freshDatabase();
				const listener = await stand.connect(name);
				await listener.query('LISTEN lockstep; LISTEN orders');
				for (const variant of turns(VARIANTS, number)) {
					await makeTable(client, variant === 'silent' ? 'lockstep' : variant, rows);
					const settings = variant === 'silent' ? { 'lockstep.doorbell': 'off' } : {};
					await stand.pgbench(script, { clients: writers, seconds: 1, synchronous, settings });
					let heard = 0;
					const count = () => (heard += 1);
					listener.on('notification', count);
					const { tps, cpu_us, transactions } = await stand.pgbench(script, { clients: writers, seconds, synchronous, settings });
					listener.off('notification', count);
					const quiet = variant === 'plain' || variant === 'silent';
					if (!quiet && heard === 0) {
						throw new Error(`${transactions} transactions, and the listener of ${variant} heard nothing`);
					}
					series.add({ synchronous, writers, variant }, { rate: tps, cpu_us, notifications_per_commit: heard / transactions });
				}
				await listener.end();
			}
		}
	}
	return { rows_in_table: rows, seconds, rows: series.rows({ figure: 'rate', variant: 'plain' }) };
}

export function tables({ rows }) {
	return [true, false].map((synchronous) => ({
		name: `writers-sync-${synchronous ? 'on' : 'off'}`,
		caption: `commits/s, synchronous_commit ${synchronous ? 'on' : 'off'}`,
		columns: ['', ...WRITERS.flatMap((writers) => [`${writers} writer${writers === 1 ? '' : 's'}`, 'to plain'])],
		rows: VARIANTS.filter((variant) => rows.some((row) => row.variant === variant)).map((variant) => [
			TITLES[variant],
			...WRITERS.flatMap((writers) => {
				const row = rows.find((one) => one.synchronous === synchronous && one.writers === writers && one.variant === variant);
				return [spread(row.rate), spread(row.ratio, share)];
			}),
		]),
	}));
}

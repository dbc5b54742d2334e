// What writing costs: single rows and many, tracked or not, beside a version trigger and an audit trigger.

import { join } from 'node:path';
import { Series } from '../lib/series.js';
import { turns } from '../lib/stats.js';
import { share, spread } from '../lib/table.js';
import { BULK, SCRIPTS, TITLES, makeCopyFile, makeTable } from '../variants.js';

export const title = 'Writing';
const VARIANTS = ['plain', 'lockstep', 'version', 'audit'];
const WRITERS = 4;
const OPERATIONS = {
	update: 'UPDATE of one row',
	insert: 'INSERT of one row',
	bulk_update: 'UPDATE of all rows at once',
	copy: 'COPY into the table',
};

export async function run({ stand, repetitions, quick }) {
	const rows = quick ? 2_000 : 100_000;
	const seconds = quick ? 1 : 2;
	const series = new Series();
	const file = join(stand.cluster, 'data/orders.copy');
	await makeCopyFile(stand.admin, file, rows, rows);
	for (let number = 0; number < repetitions; number += 1) {
		for (const synchronous of [true, false]) {
			for (const operation of Object.keys(OPERATIONS)) {
				const { client } = await stand.freshDatabase();
				for (const variant of turns(VARIANTS, number)) {
					await makeTable(client, variant, rows);
					const figures =
						operation in SCRIPTS
							? await singleRows(stand, SCRIPTS[operation](rows), seconds, synchronous)
							: await manyRows(stand, operation === 'copy' ? BULK.copy(file) : BULK.update(), rows, synchronous);
					series.add({ operation, synchronous, variant }, figures);
				}
			}
		}
	}
	return { rows_in_table: rows, writers: WRITERS, seconds, rows: series.rows({ figure: 'rate', variant: 'plain' }) };
}

async function singleRows(stand, script, seconds, synchronous) {
	await stand.pgbench(script, { clients: WRITERS, seconds: 1, synchronous }); // warm
	const { tps, cpu_us } = await stand.pgbench(script, { clients: WRITERS, seconds, synchronous });
	return { rate: tps, cpu_us };
}

async function manyRows(stand, statement, rows, synchronous) {
	const client = stand.database.client;
	await client.query(`SET synchronous_commit = ${synchronous ? 'on' : 'off'}`);
	const { result, cpu } = await stand.withServerCpu(async () => {
		const begin = performance.now();
		const { rowCount } = await client.query(statement);
		if (rowCount !== rows) {
			throw new Error(`${statement}: ${rowCount} rows instead of ${rows}`);
		}
		return performance.now() - begin;
	});
	await client.query('RESET synchronous_commit');
	return { rate: (rows * 1000) / result, cpu_us: (cpu * 1e6) / rows };
}

export function tables({ rows }) {
	return Object.entries(OPERATIONS).map(([operation, caption]) => ({
		name: `write-${operation}`,
		caption,
		columns: ['', ...[true, false].flatMap((synchronous) => {
			const unit = operation in SCRIPTS ? 'transactions/s' : 'rows/s';
			return [`${unit}, sync ${synchronous ? 'on' : 'off'}`, 'to plain', 'server CPU µs each'];
		})],
		rows: VARIANTS.map((variant) => [
			TITLES[variant],
			...[true, false].flatMap((synchronous) => {
				const row = rows.find((one) => one.operation === operation && one.synchronous === synchronous && one.variant === variant);
				return [spread(row.rate), spread(row.ratio, share), spread(row.cpu_us)];
			}),
		]),
	}));
}

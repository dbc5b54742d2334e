// How much is written for each change: WAL, and the log with its indexes.

import { join } from 'node:path';
import { Series } from '../lib/series.js';
import { turns } from '../lib/stats.js';
import { figure, share, spread } from '../lib/table.js';
import { BULK, SCRIPTS, TITLES, makeCopyFile, makeTable } from '../variants.js';

export const title = 'Bytes';
const VARIANTS = ['plain', 'lockstep', 'version', 'audit', 'hstore'];
const OPERATIONS = {
	update: 'UPDATE of one row',
	insert: 'INSERT of one row',
	bulk_update: 'UPDATE of all rows at once',
	copy: 'COPY into the table',
};

// What a variant's log takes on disk, with TOAST, and its indexes apart.
const LOG_SIZE = `
	SELECT coalesce(sum(pg_table_size(relid)), 0)::bigint AS heap, coalesce(sum(pg_indexes_size(relid)), 0)::bigint AS indexes
	FROM (
		SELECT relid FROM pg_partition_tree('lockstep.change') WHERE isleaf
		UNION ALL SELECT to_regclass('audit_log') WHERE to_regclass('audit_log') IS NOT NULL
	) AS logs`;

export async function run({ stand, repetitions, quick }) {
	const rows = quick ? 2_000 : 100_000;
	const transactions = quick ? 1_000 : 20_000;
	const series = new Series();
	const file = join(stand.cluster, 'data/orders.copy');
	await makeCopyFile(stand.admin, file, rows, rows);
	// Sizes hardly vary: they need no more than three repetitions.
	for (let number = 0; number < Math.min(repetitions, 3); number += 1) {
		for (const operation of Object.keys(OPERATIONS)) {
			for (const variant of turns(VARIANTS, number)) {
				const { client } = await stand.freshDatabase();
				await makeTable(client, variant, rows);
				const single = operation in SCRIPTS;
				const write = () =>
					single
						? stand.pgbench(SCRIPTS[operation](rows), { clients: 1, transactions, synchronous: false })
						: client.query(operation === 'copy' ? BULK.copy(file) : BULK.update());
				const before = await sizes(client);
				await write();
				const after = await sizes(client);
				const changes = single ? transactions : rows;
				series.add({ operation, variant }, {
					wal: (after.wal - before.wal) / changes,
					log: (after.heap - before.heap) / changes,
					log_indexes: (after.indexes - before.indexes) / changes,
				});
			}
		}
	}
	return { rows_in_table: rows, transactions, rows: series.rows({ figure: 'wal', variant: 'plain' }) };
}

async function sizes(client) {
	const { rows: [wal] } = await client.query(`SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS wal`);
	const { rows: [log] } = await client.query(LOG_SIZE);
	return { wal: Number(wal.wal), heap: Number(log.heap), indexes: Number(log.indexes) };
}

export function tables({ rows }) {
	return Object.entries(OPERATIONS).map(([operation, caption]) => ({
		name: `bytes-${operation}`,
		caption,
		columns: ['', 'WAL', 'to plain', 'log', 'its indexes'],
		rows: VARIANTS.filter((variant) => rows.some((row) => row.variant === variant)).map((variant) => {
			const row = rows.find((one) => one.operation === operation && one.variant === variant);
			const logs = row.log.median > 0;
			return [
				TITLES[variant],
				spread(row.wal, (value) => figure(Math.round(value))),
				spread(row.ratio, share),
				logs ? spread(row.log, (value) => figure(Math.round(value))) : '–',
				logs ? spread(row.log_indexes, (value) => figure(Math.round(value))) : '–',
			];
		}),
	}));
}

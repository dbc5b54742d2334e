// How fast one reader catches up: lockstep.changes() beside a plain outbox query, and what a look costs when nothing is new.

import { Series } from '../lib/series.js';
import { figure, spread } from '../lib/table.js';
import { SCRIPTS, makeTable } from '../variants.js';

export const title = 'Catching up';
const PAGE = 2000; // the bridge's

// The bridge's columns.
export const CHANGES = (limit) => `SELECT xid, at, op, lockstep.as_json(key) AS key, version, lockstep.as_json(row) AS row, lockstep.as_json(old) AS old,
		actor, client, reason, verified, position, relid
	FROM lockstep.changes(since => $1${limit === null ? '' : `, max_changes => ${limit}`})`;
const OUTBOX = (limit) => `SELECT id, table_name, row_key, op, at, who, old_values, new_values FROM audit_log
	WHERE id > $1 ORDER BY id${limit === null ? '' : ` LIMIT ${limit}`}`;

const READERS = {
	lockstep: { statement: CHANGES, column: 'position', title: '`lockstep.changes()`' },
	audit: { statement: OUTBOX, column: 'id', title: '`WHERE id > $1 ORDER BY id`' },
};
const SHAPES = { single: 'transactions of one row', bulk: 'transactions of 10,000 rows' };

export async function run({ stand, repetitions, quick }) {
	const rows = quick ? 2_000 : 100_000;
	const series = new Series();
	for (let number = 0; number < repetitions; number += 1) {
		for (const shape of Object.keys(SHAPES)) {
			for (const variant of number % 2 === 0 ? ['lockstep', 'audit'] : ['audit', 'lockstep']) {
				const { name, client } = await stand.freshDatabase();
				await makeTable(client, variant, rows);
				const since = variant === 'lockstep' ? await position(client) : '0';
				await write(stand, client, shape, rows);
				await client.query('VACUUM ANALYZE');
				const { statement, column } = READERS[variant];
				for (const limit of [PAGE, null]) {
					const { result, cpu } = await stand.withServerCpu(
						() =>
							stand.load('read', {
								db: stand.conninfo(name),
								statement: statement(limit),
								since,
								'place-column': column,
							}).result,
					);
					if (result.rows !== rows) {
						throw new Error(`${variant} read ${result.rows} changes of ${rows}`);
					}
					series.add({ shape, variant, page: limit ?? 'all' }, {
						rate: result.rows / result.seconds,
						cpu_us: (cpu * 1e6) / result.rows,
						bytes: result.bytes / result.rows,
					});
				}
				const end = variant === 'lockstep' ? `'${await position(client)}'::lockstep.position` : '(SELECT max(id) FROM audit_log)';
				const { latency_ms: look, cpu_us } = await stand.pgbench(`${statement(PAGE).replace('$1', end).replace(/\s+/g, ' ')};\n`, {
					clients: 1,
					seconds: 1,
				});
				series.add({ shape, variant, page: 'nothing new' }, { look_us: look * 1000, cpu_us });
			}
		}
	}
	return { changes: rows, rows: series.rows() };
}

/** The database's position, as text. */
export async function position(client) {
	const { rows: [row] } = await client.query('SELECT lockstep.position()::text AS position');
	return row.position;
}

async function write(stand, client, shape, rows) {
	if (shape === 'single') {
		await stand.pgbench(SCRIPTS.update(rows), { clients: 4, transactions: rows / 4, synchronous: false });
		return;
	}
	const many = Math.min(10_000, rows / 2);
	for (let first = 1; first <= rows; first += many) {
		await client.query('UPDATE orders SET quantity = quantity + 1, changed_at = clock_timestamp() WHERE id BETWEEN $1 AND $2', [first, first + many - 1]);
	}
}

export function tables({ rows }) {
	const find = (shape, variant, page) => rows.find((one) => one.shape === shape && one.variant === variant && one.page === page);
	return [
		{
			name: 'catchup',
			caption: 'changes/s of one reader',
			columns: ['', 'in pages of 2,000', 'server CPU µs each', 'in one go', 'server CPU µs each', 'bytes each', 'nothing new: µs'],
			rows: Object.entries(READERS).flatMap(([variant, reader]) =>
				Object.entries(SHAPES).map(([shape, what]) => {
					const [paged, all, none] = [PAGE, 'all', 'nothing new'].map((page) => find(shape, variant, page));
					return [
						`${reader.title}, ${what}`,
						spread(paged.rate),
						spread(paged.cpu_us),
						spread(all.rate),
						spread(all.cpu_us),
						figure(Math.round(paged.bytes.median)),
						spread(none.look_us),
					];
				}),
			),
		},
	];
}

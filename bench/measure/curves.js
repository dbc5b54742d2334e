// What a look at the feed costs as the log grows in rows, in rows that were rolled back, and in segments; and as a transaction stays open while
// others come and go.

import { Series } from '../lib/series.js';
import { figure, spread } from '../lib/table.js';
import { CHANGES, position } from './catchup.js';

export const title = 'Reading a large log';
const PAGE = 2000;
const LOOKS = { select: '`SELECT 1`', empty: 'nothing new', one: 'one change', page: 'a page of 2,000' };
const CURVES = {
	log: 'changes in the log',
	open: 'transactions since one that is still open',
	aborted: 'rows rolled back since the log was made',
	segments: 'segments of the log',
};

export async function run({ stand, repetitions, quick }) {
	const series = new Series();
	const steps = quick ? [1_000, 4_000] : [10_000, 100_000, 1_000_000, 10_000_000];
	const later = quick ? [0, 1_000] : [0, 10_000, 100_000, 1_000_000];
	for (let number = 0; number < repetitions; number += 1) {
		await log(stand, series, steps, quick);
		await open(stand, series, later, quick);
		await aborted(stand, series, quick ? [0, 2_000] : [0, 100_000, 1_000_000], quick);
		await segments(stand, series, quick ? [1, 4] : [1, 100, 400], quick);
	}
	return { rows: series.rows() };
}

async function table(stand) {
	const { name, client } = await stand.freshDatabase();
	await client.query('CREATE TABLE counter (id bigint PRIMARY KEY, n integer NOT NULL DEFAULT 0)');
	await client.query('CREATE TABLE filler (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer)');
	await client.query(`SELECT lockstep.track('counter'), lockstep.track('filler')`);
	await client.query('INSERT INTO counter VALUES (0)');
	return { name, client };
}

async function log(stand, series, steps, quick) {
	const { client } = await table(stand);
	let count = 1;
	for (const size of steps) {
		while (count < size) {
			const end = Math.min(size, count + 1_000_000);
			await client.query(`INSERT INTO counter SELECT generate_series(${count}, ${end - 1})`);
			count = end;
		}
		await client.query('VACUUM ANALYZE');
		await look(stand, series, { curve: 'log', at: size }, client, quick);
	}
}

async function open(stand, series, steps, quick) {
	const { name, client } = await table(stand);
	await client.query(`CREATE PROCEDURE burn(count integer) LANGUAGE plpgsql AS $$
		BEGIN
			FOR i IN 1 .. count LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
		END $$`);
	await client.query('SET synchronous_commit = off');
	const idle = await stand.connect(name);
	await idle.query('BEGIN');
	await idle.query('INSERT INTO counter VALUES (-1)');
	let count = 0;
	for (const target of steps) {
		await client.query(`CALL burn(${target - count})`);
		count = target;
		await look(stand, series, { curve: 'open', at: target }, client, quick);
	}
	await idle.query('ROLLBACK');
	await idle.end();
}

/** Transactions of 500 rows each, most of which reach the log before they are rolled back. */
async function aborted(stand, series, steps, quick) {
	const { client } = await table(stand);
	await client.query(`CREATE PROCEDURE fail(count integer) LANGUAGE plpgsql AS $$
		BEGIN
			FOR i IN 1 .. count LOOP INSERT INTO filler (n) SELECT 0 FROM generate_series(1, 500); ROLLBACK; END LOOP;
		END $$`);
	await client.query(`SET lockstep.log_buffer_size = '64kB'`);
	let count = 0;
	for (const target of steps) {
		await client.query(`CALL fail(${(target - count) / 500})`);
		count = target;
		await look(stand, series, { curve: 'aborted', at: target }, client, quick);
	}
}

async function segments(stand, series, steps, quick) {
	const { client } = await table(stand);
	let count = 1;
	for (const target of steps) {
		for (; count < target; count += 1) {
			await client.query('UPDATE counter SET n = n + 1 WHERE id = 0');
			await client.query(`SELECT lockstep.make_segment(${count + 1})`);
			await client.query('SELECT lockstep.close_segments()');
		}
		await look(stand, series, { curve: 'segments', at: target }, client, quick);
	}
}

/** Each look begins where it finds as much as its name says. */
async function look(stand, series, key, client, quick) {
	const before = await position(client);
	await client.query('UPDATE counter SET n = n + 1 WHERE id = 0');
	const one = await position(client);
	await client.query(`INSERT INTO filler (n) SELECT 0 FROM generate_series(1, ${PAGE})`);
	const end = await position(client);
	const now = (since) => CHANGES(PAGE).replace('$1', `'${since}'::lockstep.position`).replace(/\s+/g, ' ');
	const between = (since, upto) => now(since).replace('max_changes', `upto => '${upto}', max_changes`);
	const figures = {};
	for (const [name, statement] of Object.entries({ select: 'SELECT 1', empty: now(end), one: between(before, one), page: now(one) })) {
		const { latency_ms } = await stand.pgbench(`${statement};\n`, { clients: 1, ...(quick ? { transactions: 100 } : { seconds: 2 }) });
		figures[`${name}_us`] = latency_ms * 1000;
	}
	series.add(key, figures);
}

export function tables({ rows }) {
	// (A file from before a curve was added has no rows of it.)
	return Object.entries(CURVES).filter(([curve]) => rows.some((row) => row.curve === curve)).map(([curve, what]) => ({
		name: `curves-${curve}`,
		caption: `microseconds for a look, by ${what}`,
		columns: [what, ...Object.values(LOOKS)],
		rows: rows.filter((row) => row.curve === curve).map((row) => [figure(row.at), ...Object.keys(LOOKS).map((name) => spread(row[`${name}_us`]))]),
	}));
}

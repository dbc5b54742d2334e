// Instructions in user space for each transaction, counted by callgrind on a server that runs under valgrind.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { VALGRIND_SETTINGS, startUnderValgrind } from '../lib/valgrind.js';
import { figure, share } from '../lib/table.js';
import { TITLES, makeTable } from '../variants.js';

export const title = 'Instructions';
export const settings = VALGRIND_SETTINGS;
const VARIANTS = ['plain', 'lockstep', 'version', 'audit', 'notify'];
const STATEMENTS = {
	update: `UPDATE orders SET status = 'packed', quantity = quantity + 1, changed_at = clock_timestamp() WHERE id = $1`,
	insert: `INSERT INTO orders (customer_id, status, quantity, price, note, ordered_at, changed_at, paid, details)
		VALUES ($1, 'open', 3, 12.50, 'to be left with the neighbour', now(), now(), false, '{"colour": "blue", "size": 12}')`,
};
const ROWS = 10_000;

export async function run({ stand, quick }) {
	const [few, many] = quick ? [20, 120] : [100, 1100];
	const server = await startUnderValgrind(stand);
	const rows = [];
	for (const [operation, statement] of Object.entries(STATEMENTS)) {
		const counts = {};
		for (const variant of VARIANTS) {
			const { client } = await stand.freshDatabase();
			await makeTable(client, variant, ROWS);
			const short = await backend(stand, server, statement, few);
			const long = await backend(stand, server, statement, many);
			counts[variant] = (long.instructions - short.instructions) / (many - few);
			rows.push({
				operation,
				variant,
				instructions: counts[variant],
				ratio: counts[variant] / counts.plain,
				...(variant === 'lockstep' ? await functions(long.file, short.file, many - few) : {}),
			});
		}
	}
	await server.stop();
	return { transactions: many - few, rows };
}

/** Runs `count` transactions in a backend of their own. Resolves with what callgrind counted in it, and its file. */
async function backend(stand, server, statement, count) {
	const client = await stand.connect(stand.database.name);
	const { rows: [{ pid }] } = await client.query('SELECT pg_backend_pid() AS pid');
	for (let i = 0; i < count; i += 1) {
		await client.query({ name: 'change', text: statement, values: [((i * 7919) % ROWS) + 1] });
	}
	await client.end();
	const file = server.countsOf(pid);
	const end = Date.now() + 60_000;
	for (;;) {
		const total = existsSync(file) ? /^totals: (\d+)/m.exec(readFileSync(file, 'utf8')) : null;
		if (total !== null) {
			return { instructions: Number(total[1]), file };
		}
		if (Date.now() > end) {
			throw new Error(`callgrind has not written ${file}`);
		}
		await new Promise((next) => setTimeout(next, 50));
	}
}

/**
 * What functions execute for each transaction: `own`, the instructions of those that execute most themselves, and `within`, those of
 * lockstep's functions with all that they call.
 */
async function functions(long, short, transactions) {
	const difference = async (inclusive) => {
		const [counts, start] = [await annotate(long, inclusive), await annotate(short, inclusive)];
		return [...counts]
			.map(([name, count]) => ({ name, instructions: (count - (start.get(name) ?? 0)) / transactions }))
			.sort((a, b) => b.instructions - a.instructions);
	};
	const within = (await difference(true)).filter(({ name }) => name.endsWith(' lockstep.so'));
	return { own: (await difference(false)).slice(0, 15), within: within.slice(0, 15) };
}

/** "function object" → instructions; functions of stripped objects are added up without a name. */
async function annotate(file, inclusive) {
	const argv = ['--threshold=100', '--show-percs=no', `--inclusive=${inclusive ? 'yes' : 'no'}`, file];
	const { stdout } = await promisify(execFile)('callgrind_annotate', argv, { maxBuffer: 64 << 20 });
	const counts = new Map();
	for (const line of stdout.split('\n')) {
		const found = /^ *([\d,]+) +[^ :]*:(.+?)(?:'\d+)? \[(.*)\]$/.exec(line);
		if (found !== null) {
			const [, count, name, object] = found;
			const key = `${shortName(name)} ${object.split('/').pop()}`;
			counts.set(key, (counts.get(key) ?? 0) + Number(count.replaceAll(',', '')));
		}
	}
	return counts;
}

/** Without namespaces and arguments. */
function shortName(name) {
	if (/^0x[0-9a-f]+$/.test(name)) {
		return '(no name)';
	}
	return name.replaceAll('(anonymous namespace)::', '').replace(/[(<[ ].*$/, '').replace(/^.*::/, '');
}

export function tables({ rows }) {
	const find = (operation, variant) => rows.find((one) => one.operation === operation && one.variant === variant);
	const within = (operation) => new Map(find(operation, 'lockstep').within.map(({ name, instructions }) => [name, instructions]));
	const [update, insert] = [within('update'), within('insert')];
	return [
		{
			name: 'instructions',
			caption: 'instructions in user space for each transaction',
			columns: ['', 'UPDATE of one row', 'to plain', 'INSERT of one row', 'to plain'],
			rows: VARIANTS.map((variant) => [
				TITLES[variant],
				...Object.keys(STATEMENTS).flatMap((operation) => {
					const row = find(operation, variant);
					return [figure(row.instructions), share(row.ratio)];
				}),
			]),
		},
		{
			name: 'instructions-within',
			caption: 'of those, in a function of lockstep and all that it calls',
			columns: ['function', 'UPDATE of one row', 'INSERT of one row'],
			rows: [...update].slice(0, 12).map(([name, instructions]) => [
				`\`${name.split(' ')[0]}\``,
				figure(instructions),
				insert.has(name) ? figure(insert.get(name)) : '–',
			]),
		},
	];
}

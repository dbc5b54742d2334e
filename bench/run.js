// Measures, prints tables, and writes a file. Called by `make bench`; bench/README.md says what is measured and how.
//
//   node bench/run.js [--quick] [--repetitions N] [--output FILE] [--add] [NAME]…
//
// --add keeps the other measurements that FILE already holds, if they are from this machine.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, revision } from './lib/machine.js';
import { MEASUREMENTS } from './lib/measurements.js';
import { ROOT } from './lib/root.js';
import { Stand } from './lib/stand.js';
import { rounded } from './lib/stats.js';
import { textTable } from './lib/table.js';

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		quick: { type: 'boolean', default: false },
		repetitions: { type: 'string', default: '' },
		output: { type: 'string', default: join(ROOT, 'build/bench/results.json') },
		add: { type: 'boolean', default: false },
	},
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const names = positionals.length > 0 ? positionals : Object.keys(MEASUREMENTS);
for (const name of names) {
	if (!(name in MEASUREMENTS)) {
		usage(`unknown measurement "${name}"; there are: ${Object.keys(MEASUREMENTS).join(' ')}`);
	}
}
const repetitions = options.repetitions === '' ? (options.quick ? 1 : 5) : Number(options.repetitions);
if (!Number.isInteger(repetitions) || repetitions < 1) {
	usage(`invalid number of repetitions "${options.repetitions}"`);
}
if (options.add && !existsSync(options.output)) {
	usage(`--add: there is no ${options.output}`);
}

const results = options.add ? JSON.parse(readFileSync(options.output, 'utf8')) : { format: 1, measurements: {} };
for (const name of names) {
	const begin = performance.now();
	const measurement = MEASUREMENTS[name];
	const problem = measurement.unavailable?.();
	if (problem !== undefined) {
		console.error(`${name}: left out: ${problem}`);
		continue;
	}
	console.error(`${name}: ${measurement.title}`);
	const stand = await Stand.start(measurement.settings);
	try {
		const { rows: [{ version }] } = await stand.admin.query(`SELECT current_setting('server_version') AS version`);
		const here = machine(version, stand.directory);
		// How fast the disk is differs from one minute to the next.
		const { fdatasync_us, ...fixed } = here;
		if (results.machine !== undefined && JSON.stringify(results.machine) !== JSON.stringify(fixed)) {
			throw new Error(`${options.output} is from another machine`);
		}
		results.machine = fixed;
		const figures = await measurement.run({ stand, repetitions, quick: options.quick });
		results.measurements[name] = rounded({
			taken: new Date().toISOString().slice(0, 16),
			revision: revision(),
			quick: options.quick || undefined,
			took_s: Math.round((performance.now() - begin) / 1000),
			fdatasync_us,
			settings: stand.settings,
			...figures,
		});
	} finally {
		await stand.stop();
	}
	for (const { caption, columns, rows } of measurement.tables(results.measurements[name])) {
		console.log(`\n${measurement.title}: ${caption}\n\n${textTable(columns, rows)}`);
	}
	// After each, so that what ends this program early costs one measurement.
	await mkdir(dirname(options.output), { recursive: true });
	await writeFile(options.output, `${JSON.stringify(results, null, '\t')}\n`);
	console.error(`${name}: ${Math.round((performance.now() - begin) / 1000)} s, ${options.output}`);
}

function usage(complaint) {
	console.error(`run: ${complaint}`);
	execFileSync('sed', ['-n', '3,5s|^// *||p', join(ROOT, 'bench/run.js')], { stdio: ['ignore', 2, 2] });
	process.exit(2);
}

// Puts the figures of a results file into docs/performance.md, or checks that they are there.
//
//   node bench/report.js RESULTS      from now on the page shows these
//   node bench/report.js              the page shows what its file holds
//   node bench/report.js --check      exit code 1 when it does not

import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fillPage, setSource, sourceOf } from './lib/page.js';
import { ROOT } from './lib/root.js';

const PAGE = join(ROOT, 'docs/performance.md');
const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { check: { type: 'boolean', default: false } } });
const present = readFileSync(PAGE, 'utf8');
const wanted = positionals.length === 0 ? present : setSource(present, relative(ROOT, resolve(positionals[0])));
const page = fillPage(wanted, JSON.parse(readFileSync(join(ROOT, sourceOf(wanted)), 'utf8')));
if (options.check && page !== present) {
	console.error(`docs/performance.md does not show the figures of ${sourceOf(present)}; run: node bench/report.js`);
	process.exit(1);
}
if (!options.check) {
	writeFileSync(PAGE, page);
}

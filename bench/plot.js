// Draws the plots of a results file, with gnuplot.
//
//   node bench/plot.js RESULTS DIRECTORY
//
// Draws those for which RESULTS has the figures; each file ends with a comment that names the file and the sum of what it was drawn from.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { PLOTS } from './lib/plots.js';
import { drawnFrom } from './lib/plot_source.js';
import { ROOT } from './lib/root.js';

const [source, directory] = process.argv.slice(2);
if (directory === undefined) {
	console.error('plot: usage: node bench/plot.js RESULTS DIRECTORY');
	process.exit(2);
}
const { measurements } = JSON.parse(readFileSync(source, 'utf8'));
mkdirSync(directory, { recursive: true });
for (const [name, { measurement, script }] of Object.entries(PLOTS)) {
	if (measurements[measurement] === undefined) {
		continue;
	}
	const svg = execFileSync('gnuplot', { input: script(measurements[measurement]), encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
	const note = `<!-- ${drawnFrom(relative(ROOT, resolve(source)), measurements[measurement])} -->\n`;
	writeFileSync(join(directory, `${name}.svg`), svg.replace(/\s*$/, '\n') + note);
	console.log(join(directory, `${name}.svg`));
}

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fillPage, setSource, sourceOf } from '../lib/page.js';
import { drawnFrom } from '../lib/plot_source.js';
import { PLOTS } from '../lib/plots.js';
import { ROOT } from '../lib/root.js';

const spread = (median) => ({ median, min: median, max: median });
const rows = ['plain', 'lockstep', 'notify'].flatMap((variant) =>
	[true, false].flatMap((synchronous) => [1, 8, 64].map((writers) => ({ synchronous, writers, variant, rate: spread(1000 * writers), ratio: spread(variant === 'notify' ? 0.2 : 1) }))),
);
const RESULTS = {
	machine: { cpu: 'X', cores: 2, memory_gb: 4, os: 'Debian', kernel: '6', postgresql: '15' },
	measurements: { writers: { taken: '2026-01-02T03:04', revision: 'abc', fdatasync_us: 90, rows } },
};
const HEAD = '<!-- note: figures of bench/results/x.json -->\n';

test('a table is put between its markers, and what was there is gone', () => {
	const page = `${HEAD}before\n<!-- note: table writers-sync-on -->\nold\n<!-- note: end -->\nafter\n`;
	const filled = fillPage(page, RESULTS);
	assert.match(filled, /before\n<!-- note: table writers-sync-on -->\n\|  \| 1 writer \| to plain \|.*\n\|---[^]*\| `pg_notify` \| 1,000 \| 0.20 \|[^]*<!-- note: end -->\nafter\n$/);
	assert.doesNotMatch(filled, /old/);
	assert.equal(fillPage(filled, RESULTS), filled);
});

test('a figure in the text is looked up', () => {
	const page = `${HEAD}it fell to <!--figure writers synchronous=true writers=64 variant=notify ratio.median as percent-->99 %<!--/figure--> of it`;
	assert.match(fillPage(page, RESULTS), /it fell to <!--figure [^>]*-->20 %<!--\/figure--> of it$/);
});

test('what is not there, or not one thing, is an error', () => {
	for (const text of [
		'<!-- note: table nothing -->\n<!-- note: end -->',
		'<!--figure writers writers=64 variant=notify ratio.median-->1<!--/figure-->',
		'<!--figure writers synchronous=true writers=64 variant=notify ratio.mean-->1<!--/figure-->',
		'<!--figure writers synchronous=true writers=64 variant=notify ratio.median as poem-->1<!--/figure-->',
		'<!--figure nothing x=1 y-->1<!--/figure-->',
	]) {
		assert.throws(() => fillPage(HEAD + text, RESULTS), /there is no table|rows of the results are|no figure is/, text);
	}
	assert.throws(() => sourceOf('no marker'), /does not say which figures/);
	assert.equal(sourceOf(setSource(HEAD, 'bench/results/y.json')), 'bench/results/y.json');
});

const PAGE = readFileSync(join(ROOT, 'docs/performance.md'), 'utf8');

test('docs/performance.md shows the figures of the file that it names', () => {
	const results = JSON.parse(readFileSync(join(ROOT, sourceOf(PAGE)), 'utf8'));
	assert.equal(fillPage(PAGE, results), PAGE, 'run: node bench/report.js');
	assert.ok(Object.values(results.measurements).every(({ quick }) => quick === undefined), 'figures of --quick mean nothing');
});

test('the plots were drawn from the same figures, and the page shows each', () => {
	const { measurements } = JSON.parse(readFileSync(join(ROOT, sourceOf(PAGE)), 'utf8'));
	for (const [name, { measurement }] of Object.entries(PLOTS)) {
		const svg = readFileSync(join(ROOT, 'docs/images', `${name}.svg`), 'utf8');
		assert.ok(svg.includes(drawnFrom(sourceOf(PAGE), measurements[measurement])), `${name}: run node bench/plot.js ${sourceOf(PAGE)} docs/images`);
		assert.ok(PAGE.includes(`images/${name}.svg`), `docs/performance.md does not show ${name}.svg`);
	}
	const known = Object.keys(PLOTS).map((name) => `${name}.svg`);
	for (const file of readdirSync(join(ROOT, 'docs/images')).filter((file) => file.startsWith('performance-'))) {
		assert.ok(known.includes(file), `nobody draws docs/images/${file}`);
	}
});

// The plots, as programs for gnuplot. One look for all: white ground, thin grey grid, a colour for each variant.

import { TITLES } from '../variants.js';

const COLOURS = { plain: '#6e7781', lockstep: '#0969da', version: '#8250df', audit: '#bc4c00', notify: '#cf222e' };
const SHADES = ['#0a3069', '#0969da', '#54aeff', '#8250df'];

const head = (title, height = 380) => `
set terminal svg size 760,${height} dynamic font 'Helvetica,Arial,sans-serif,13' background '#ffffff'
set encoding utf8
set title '${title}' font ',15' textcolor rgb '#1f2328' offset 0,-0.3
set border 3 linecolor rgb '#8c959f'
set grid ytics linecolor rgb '#d0d7de' linewidth 1 dashtype 1
set tics textcolor rgb '#424a53' nomirror
set xlabel textcolor rgb '#424a53' offset 0,0.4
set ylabel textcolor rgb '#424a53'
set key outside bottom center horizontal noenhanced textcolor rgb '#1f2328' samplen 1 width -1 height 0.4
set style fill solid 1 noborder
`;

const text = (title) => title.replaceAll('`', '');
const plot = (curves) => `plot ${curves.join(', \\\n\t')}\n`;
const GRID = "set grid xtics ytics linecolor rgb '#d0d7de' linewidth 1 dashtype 1";

/** A line with points, and with the range of the repetitions where `spread` says so. */
function line({ name, colour, title, spread = false, dashed = false }) {
	const style = spread ? 'using 1:2:3:4 with yerrorlines' : 'using 1:2 with linespoints';
	return `$${name} ${style} linecolor rgb '${colour}' linewidth 2 dashtype ${dashed ? 2 : 1} pointtype 7 pointsize 0.6 title '${title}'`;
}

const block = (name, rows) => `$${name} << EOD\n${rows.map((row) => row.map((cell) => (typeof cell === 'string' ? `"${cell}"` : cell)).join(' ')).join('\n')}\nEOD\n`;

/** Bars in groups, with the range of the repetitions. `value(group, variant)` is {median, min, max}; `form` is how bars are labelled. */
function bars({ title, ylabel, groups, variants, value, form }) {
	const data = variants.map((variant) => block(variant, groups.map(([group, label], i) => {
		const { median, min, max } = value(group, variant);
		return [i, label, median, min, max];
	})));
	const width = 0.8 / variants.length;
	const place = (i) => `($1+${((i - (variants.length - 1) / 2) * width).toFixed(3)})`;
	return `${head(title)}${data.join('')}
set ylabel '${ylabel}'
set xrange [-0.6:${groups.length - 0.4}]
set yrange [0:*]
set offsets 0, 0, graph 0.06, 0
set boxwidth ${(width * 0.92).toFixed(3)}
set xtics scale 0 (${groups.map(([, label], i) => `"${label}" ${i}`).join(', ')})
${plot(
	variants.flatMap((variant, i) => [
		`$${variant} using ${place(i)}:3 with boxes linecolor rgb '${COLOURS[variant]}' title '${text(TITLES[variant])}'`,
		`$${variant} using ${place(i)}:4:(0):($5-$4) with vectors nohead linecolor rgb '#1f2328' linewidth 1 notitle`,
		`$${variant} using ${place(i)}:5:(sprintf('${form}', $3)) with labels font ',10' textcolor rgb '#424a53' offset 0,0.5 notitle`,
	]),
)}`;
}

function write({ rows }) {
	return bars({
		title: 'Writing, as a share of what the plain table does (synchronous\\_commit off)',
		ylabel: 'throughput, plain table = 1',
		form: '%.2f',
		groups: [['update', 'UPDATE of one row'], ['insert', 'INSERT of one row'], ['bulk_update', 'UPDATE of 100,000'], ['copy', 'COPY of 100,000']],
		variants: ['plain', 'version', 'lockstep', 'audit'],
		value: (operation, variant) => rows.find((row) => row.operation === operation && row.variant === variant && !row.synchronous).ratio,
	});
}

function bytes({ rows }) {
	return bars({
		title: 'WAL for each change',
		ylabel: 'bytes',
		form: '%.0f',
		groups: [['update', 'UPDATE of one row'], ['insert', 'INSERT of one row'], ['bulk_update', 'UPDATE of 100,000'], ['copy', 'COPY of 100,000']],
		variants: ['plain', 'version', 'lockstep', 'audit'],
		value: (operation, variant) => rows.find((row) => row.operation === operation && row.variant === variant).wal,
	});
}

function instructions({ rows }) {
	return bars({
		title: 'Instructions in user space for each transaction',
		ylabel: 'thousands',
		form: '%.0f',
		groups: [['update', 'UPDATE of one row'], ['insert', 'INSERT of one row']],
		variants: ['plain', 'version', 'notify', 'lockstep', 'audit'],
		value: (operation, variant) => {
			const thousands = rows.find((row) => row.operation === operation && row.variant === variant).instructions / 1000;
			return { median: thousands, min: thousands, max: thousands };
		},
	});
}

/** Commits by the number of writers, with and without waiting for the flush. */
function writers({ rows }) {
	const variants = ['plain', 'lockstep', 'notify'];
	const of = (variant, synchronous) =>
		rows.filter((row) => row.variant === variant && row.synchronous === synchronous).sort((a, b) => a.writers - b.writers);
	const counts = of('plain', true).map((row) => row.writers);
	const name = (variant, synchronous) => `${variant}_${synchronous ? 'on' : 'off'}`;
	const data = (variant, synchronous) =>
		block(name(variant, synchronous), of(variant, synchronous).map(({ writers, rate }) => [writers, ...[rate.median, rate.min, rate.max].map((value) => value / 1000)]));
	const panel = (synchronous) => `
set title 'synchronous\\_commit ${synchronous ? 'on' : 'off'}' font ',13' textcolor rgb '#1f2328' offset 0,-0.3
${plot(variants.map((variant) => line({ name: name(variant, synchronous), colour: COLOURS[variant], title: text(TITLES[variant]), spread: true })))}`;
	return `${head('')}${variants.flatMap((variant) => [data(variant, true), data(variant, false)]).join('')}
set logscale x 2
set xtics (${counts.join(', ')})
set xrange [${counts[0] / 1.2}:${counts.at(-1) * 1.2}]
set yrange [0:*]
set xlabel 'writers' offset 0,0.4
set ylabel 'thousand commits/s'
set multiplot layout 1,2 title 'Commits of single-row UPDATEs' font ',15' textcolor rgb '#1f2328'
${panel(true)}
unset ylabel
${panel(false)}
unset multiplot
`;
}

/** The share of deliveries that took longer, by time. */
function latency({ curves }) {
	const inside = (points) => points.filter(([q]) => q < 1);
	return `${head(`Commit to receipt, ${curves[0].clients.toLocaleString('en-US')} clients`)}${curves
		.map((curve, i) => block(`rate${i}`, inside(curve.points).map(([q, ms]) => [1 - q, ms])))
		.join('')}
set logscale xy
set xrange [1:0.001]
set yrange [${Math.min(...curves.map(({ points }) => points[0][1])) / 1.5}:*]
${GRID}
set xtics ('all' 1, '50 %%' 0.5, '10 %%' 0.1, '1 %%' 0.01, '0.1 %%' 0.001)
set xlabel 'deliveries that took longer'
set ylabel 'milliseconds'
${plot(curves.map(({ rate }, i) => line({ name: `rate${i}`, colour: SHADES[i], title: `${rate.toLocaleString('en-US')} changes/s` })))}`;
}

/** What a higher rate costs in latency: one line for each number of clients. */
function throughput({ rows }) {
	const counts = [...new Set(rows.map((row) => row.clients))];
	const rates = rows.map((row) => row.deliveries_per_s.median / 1000);
	const lines = counts.flatMap((clients, i) =>
		['p50', 'p99'].map((quantile) => ({
			name: `${quantile}_${clients}`,
			points: rows
				.filter((row) => row.clients === clients)
				.sort((a, b) => a.deliveries_per_s.median - b.deliveries_per_s.median)
				.map((row) => [row.deliveries_per_s.median, row[`${quantile}_ms`]])
				.map(([rate, { median, min, max }]) => [rate / 1000, median, min, max]),
			colour: [SHADES[1], COLOURS.audit][i],
			title: `${clients.toLocaleString('en-US')} clients, ${quantile}`,
			spread: true,
			dashed: quantile === 'p50',
		})),
	);
	return `${head('Deliveries at full speed, and what they wait')}${lines.map(({ name, points }) => block(name, points)).join('')}
set logscale xy
set xrange [${Math.min(...rates) / 1.3}:${Math.max(...rates) * 1.3}]
${GRID}
set xlabel 'thousand deliveries/s'
set ylabel 'milliseconds'
${plot(lines.map(line))}`;
}

/** Name of the file → what it shows of which measurement. */
export const PLOTS = {
	'performance-write': { measurement: 'write', script: write },
	'performance-writers': { measurement: 'writers', script: writers },
	'performance-bytes': { measurement: 'bytes', script: bytes },
	'performance-instructions': { measurement: 'instructions', script: instructions },
	'performance-latency': { measurement: 'latency', script: latency },
	'performance-throughput': { measurement: 'throughput', script: throughput },
};

// Puts figures into a page: tables between comments of their own, and single figures in the text.
//
//   <!-- note: figures of bench/results/2026-11-24.json -->       which file; once, above all others
//   <!-- note: machine -->                                         a sentence on the machine, up to
//   <!-- note: end -->
//   <!-- note: table write-update -->                              a table of tables(), up to the same
//   … <!--figure writers synchronous=false writers=64 variant=notify ratio.median as share-->0.20<!--/figure--> …
//
// The last picks the only row of the measurement that has these values, a figure of it, and a form: share, percent, or figure if none.

import { MEASUREMENTS } from './measurements.js';
import { figure, markdownTable, share } from './table.js';

const SOURCE = /^<!-- note: figures of (\S+) -->$/m;
const BLOCK = /^<!-- note: (machine|table ([\w-]+)) -->\n[^]*?^<!-- note: end -->$/gm;
const FIGURE = /<!--figure ([^>]*?)-->[^<]*<!--\/figure-->/g;
const FORMS = { share, percent: (value) => `${Math.round(value * 100)} %`, figure };

/** The file whose figures a page shows. */
export function sourceOf(page) {
	const found = SOURCE.exec(page);
	if (found === null) {
		throw new Error('the page does not say which figures it shows: <!-- note: figures of FILE -->');
	}
	return found[1];
}

export function setSource(page, path) {
	sourceOf(page);
	return page.replace(SOURCE, `<!-- note: figures of ${path} -->`);
}

/** `page` with the figures of `results` in all their places. */
export function fillPage(page, results) {
	const tables = new Map(
		Object.entries(results.measurements).flatMap(([name, figures]) => MEASUREMENTS[name].tables(figures).map((table) => [table.name, table])),
	);
	return page
		.replace(BLOCK, (_, what, name) => {
			if (what === 'machine') {
				return `<!-- note: machine -->\n${machineText(results)}\n<!-- note: end -->`;
			}
			const table = tables.get(name);
			if (table === undefined) {
				throw new Error(`there is no table "${name}"; there are: ${[...tables.keys()].join(' ')}`);
			}
			return `<!-- note: table ${name} -->\n${markdownTable(table.columns, table.rows)}\n<!-- note: end -->`;
		})
		.replace(FIGURE, (_, query) => `<!--figure ${query}-->${lookUp(results, query)}<!--/figure-->`);
}

function lookUp(results, query) {
	const [words, form = 'figure'] = query.split(' as ');
	const [name, ...rest] = words.trim().split(/\s+/);
	const path = rest.pop();
	const rows = results.measurements[name]?.rows.filter((row) =>
		rest.every((condition) => {
			const [member, value] = condition.split('=');
			return String(row[member]) === value;
		}),
	);
	if (rows?.length !== 1) {
		throw new Error(`${rows?.length ?? 0} rows of the results are "${query}"`);
	}
	const value = path.split('.').reduce((object, member) => object?.[member], rows[0]);
	if (typeof value !== 'number' || !(form in FORMS)) {
		throw new Error(`no figure is "${query}"`);
	}
	return FORMS[form](value);
}

function machineText({ machine, measurements }) {
	const all = Object.values(measurements);
	const list = (values) => [...new Set(values)].sort().join(', ');
	const disk = all.map(({ fdatasync_us }) => fdatasync_us);
	return (
		`${machine.cores} cores (${machine.cpu}), ${machine.memory_gb} GB, ${machine.os}, kernel ${machine.kernel}, PostgreSQL ${machine.postgresql}; ` +
		`writing 8 kB and flushing them takes ${Math.min(...disk)} to ${Math.max(...disk)} µs. Revision ${list(all.map(({ revision }) => revision))}, ` +
		`${list(all.map(({ taken }) => taken.slice(0, 10)))}. `.trimEnd()
	);
}

// Flags, metrics, error words and close codes against the bridge itself.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BRIDGE } from '../../harness/bridge.js';
import { codeSpans } from '../markdown.js';
import { namedRows, tablesHeaded } from './sections.js';

/** Flags of `lockstep-bridge --help`: name → default, where it says one. */
export function flagsOf(help) {
	return new Map(
		[...help.matchAll(/^  (--[a-z-]+)(?: \S+)? {2,}(.*)$/gm)].map(([, name, text]) => [name, /\(([^()]*)\)(?:;.*)?$/.exec(text)?.[1]]),
	);
}

/** The table of flags, on whatever page it is, and all flags that pages mention. */
export function flagProblems(pages, help) {
	const flags = flagsOf(help);
	const rows = tablesHeaded(pages, 'flag').flatMap((table) => namedRows(table).map((row) => ({ ...row, name: row.name.split(' ')[0] })));
	const problems = [];
	for (const [name, value] of flags) {
		const row = rows.find((one) => one.name === name);
		if (['--help', '--version', '--config'].includes(name)) {
			continue;
		}
		if (row === undefined) {
			problems.push(`the flag ${name} is in no table of flags`);
		} else if (value !== undefined && row.cells[0].replaceAll('`', '') !== value) {
			problems.push(`the default of ${name} is ${value}, not ${row.cells[0]}`);
		}
	}
	return [...problems, ...rows.filter(({ name }) => !flags.has(name)).map(({ name }) => `there is no flag ${name}`), ...mentions(pages, flags)];
}

// Where a line runs the bridge, or sets it up by environment, what it names must exist.
function mentions(pages, flags) {
	return pages.flatMap((page) =>
		page.text.split('\n').flatMap((text, i) => {
			const command = /lockstep-bridge\b(.*)$/.exec(text)?.[1] ?? '';
			const named = [
				...[...command.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag),
				...[...text.matchAll(/\bLOCKSTEP_BRIDGE_([A-Z_]+)/g)].map(([, name]) => `--${name.toLowerCase().replaceAll('_', '-')}`),
				...codeSpans(text).filter((span) => /^--[a-z-]+$/.test(span) && page.path === 'docs/bridge.md'),
			];
			return named.filter((name) => !flags.has(name)).map((name) => `${page.path}:${i + 1}: the bridge knows no ${name}`);
		}),
	);
}

/** The least and the largest value that the bridge takes for a flag, as it says when it is given nonsense. */
export function rangeOf(flag) {
	// The address is a mistake too, so that it ends whatever the flag.
	const { stderr } = spawnSync(BRIDGE, [`${flag}=nonsense`, '--listen=nonsense'], { encoding: 'utf8', timeout: 10_000 });
	const range = /whole number from (\d+) to (\d+)/.exec(stderr);
	return range === null ? null : [Number(range[1]), Number(range[2])];
}

/** The column "range" of tables of flags. */
export function rangeProblems(pages, range) {
	const units = { undefined: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };
	return tablesHeaded(pages, 'flag')
		.filter(({ head }) => head[2] === 'range')
		.flatMap(namedRows)
		.flatMap(({ name, cells }) => {
			const flag = name.split(' ')[0];
			const real = range(flag);
			const written = [...cells[1].matchAll(/(\d+)(?: (kB|MB|GB))?/g)].map(([, number, unit]) => number * units[unit]);
			return String(written) === String(real ?? []) ? [] : [`${flag} takes ${real?.join(' to ') ?? 'no number'}, not ${cells[1] || 'nothing'}`];
		});
}

/** The names that /metrics prints, histograms by their base. */
export function metricsOf(text) {
	return new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map((match) => match[1]));
}

export function metricProblems(pages, text) {
	const real = metricsOf(text);
	const named = new Set(
		tablesHeaded(pages, 'metric')
			.flatMap(namedRows)
			.map(({ name }) => name.replace(/\{.*/, '').replace('…', 'lockstep_bridge')),
	);
	return [
		...[...real].filter((name) => !named.has(name)).map((name) => `the metric ${name} is not documented`),
		...[...named].filter((name) => !real.has(name)).map((name) => `there is no metric ${name}`),
		...pages.flatMap((page) =>
			[...page.text.matchAll(/\blockstep_bridge_[a-z_]+/g)]
				.map(([name]) => name)
				.filter((name) => ![...real].some((one) => name === one || name.replace(/_(bucket|sum|count)$/, '') === one))
				.map((name) => `${page.path}: there is no metric ${name}`),
		),
	];
}

/** What the bridge's sources say: words of errors, types of messages, close codes. */
export function bridgeFacts(root) {
	const source = readdirSync(join(root, 'bridge'), { recursive: true })
		.filter((name) => name.endsWith('.cpp') || name.endsWith('.hpp'))
		.map((name) => readFileSync(join(root, 'bridge', name), 'utf8'))
		.join('\n');
	const every = (pattern) => [...source.matchAll(pattern)].map((match) => match[1]);
	return {
		words: new Set([...every(/Failure\{\s*"([a-z_]+)"/g), ...every(/return \{\s*"([a-z_]+)",/g), ...every(/count_error\("([a-z_]+)"\)/g), ...every(/TableError\(\s*"([a-z_]+)"/g), ...every(/\? "([a-z_]+)" : "bad_request"/g)]),
		sent: new Set([...every(/Answer(?: \w+)?\(\s*"([a-z_]+)"/g), ...every(/\\"type\\":\\"([a-z_]+)\\"/g)]),
		taken: new Set([...every(/\*type == "([a-z_]+)"/g), ...every(/later = \{([^}]*)\}/g).flatMap((list) => [...list.matchAll(/"(\w+)"/g)].map((match) => match[1]))]),
		says: new Set(every(/log::(?:info|warn|error)\(\s*"([^"]+?)(?:: )?"/g)),
		closes: new Set([...every(/close\((\d{4})\b/g), ...every(/violation\w*\(?\{?(\d{4})\b/g), ...every(/\{(1\d{3}), "/g)]),
	};
}

/** Everything of the wire is on the protocol's page. */
export function protocolProblems(pages, facts) {
	const page = pages.find(({ path }) => path === 'docs/protocol.md');
	const logPage = pages.find(({ prose }) => prose.some(({ text }) => text.startsWith('| level | `msg` |')));
	const lacks = (what, names, pattern) => [...names].filter((name) => !pattern(name).test(page.text)).map((name) => `${page.path}: ${what} ${name} is not documented`);
	return [
		...lacks('the error', facts.words, (name) => new RegExp(`\`${name}\``)),
		...lacks('the message', new Set([...facts.sent, ...facts.taken]), (name) => new RegExp(`"type":"${name}"|\`${name}\``)),
		...lacks('the close code', facts.closes, (name) => new RegExp(`\\b${name}\\b`)),
		...[...facts.says].filter((text) => !logPage.text.includes(`\`${text}`)).map((text) => `${logPage.path}: the log message "${text}" is not documented`),
	];
}

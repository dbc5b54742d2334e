// docs/troubleshooting.md is found by the words of a message: they must be those that lockstep, or PostgreSQL, says.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { codeSpans, headings, tables } from './markdown.js';
import { allPages } from './pages.js';
import { ROOT } from '../harness/cluster.js';

const PAGE = 'docs/troubleshooting.md';
// Said by PostgreSQL, psql or libpq.
const OTHERS = [
	'UPDATE 0',
	'Too many open files',
	'could not listen on …: Address already in use',
	'invalid configuration parameter name "lockstep.…"',
	'permission denied to set parameter "lockstep.doorbell"',
	'permission denied for function changes',
	'must be owner of table orders',
	'deadlock detected',
	'duplicate key value violates unique constraint "origin_pkey"',
	'could not access file "lockstep": No such file or directory',
	'could not open extension control file',
	'database "shop" is being accessed by other users',
	'connection to server … failed: …',
	'… no pg_hba.conf entry for …',
	'… password authentication failed …',
	'… remaining connection slots are reserved …',
	'… too many clients already',
	'permission denied for …',
];

/** The sources, with literals that follow one another joined, and what is formatted into them as `…`. */
export function said(root) {
	const text = ['extension', 'bridge']
		.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => join(root, folder, name)))
		.filter((path) => /\.(cpp|hpp|sql)$/.test(path) && !path.includes('lockstep--'))
		.map((path) => readFileSync(path, 'utf8'))
		.join('\n');
	return text
		.replaceAll('\\"', '\u201d') // set apart from those that end a literal
		.replaceAll(/"\s*INT64_FORMAT\s*"/g, '…')
		.replaceAll(/"\s*"/g, '')
		.replaceAll('\u201d', '"')
		.replaceAll("''", "'")
		.replaceAll(/%[sIuLd]/g, '…');
}

/** Is it in the text, whole, or in two pieces that are put together when it is said? */
function isSaid(part, text) {
	const words = part.split(' ');
	return words.some((_, i) => [words.slice(0, i), words.slice(i)].every((piece) => text.includes(piece.join(' '))));
}

/** The messages of a page that nobody says. A `…` in it may be anything. */
export function unsaid(page, text) {
	const named = [
		...headings(page).filter(({ level }) => level === 3).map(({ line }) => page.text.split('\n')[line - 1]),
		...tables(page).filter(({ head }) => ['`detail`', '`error`'].includes(head[0])).flatMap(({ rows }) => rows.map(([first]) => first)),
	].flatMap(codeSpans);
	const messages = named.filter((span) => span.includes(' ') && !OTHERS.includes(span));
	assert.ok(messages.length > 30, 'the page names its messages');
	return messages.filter((message) => message.split('…').map((part) => part.trim()).some((part) => !isSaid(part, text)));
}

const page = allPages().find(({ path }) => path === PAGE);
const sources = said(ROOT);

test('troubleshooting: each message is one that somebody says', () => {
	assert.deepEqual(unsaid(page, sources), []);
});

test('troubleshooting: what doctor() and the errors of the database advise is on the page', () => {
	const folder = join(ROOT, 'extension/install');
	const install = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
	const details = [...install.matchAll(/detail := (?:format\()?'((?:[^']|'')+)'/g)].map(([, detail]) => detail.replaceAll("''", "'").replaceAll(/%[sI]/g, '…').trim());
	assert.ok(details.length > 12);
	const fine = ['running', 'tracked', 'empty: nothing is tracked yet', 'none: this server is a standby', 'none: transactions notify by themselves'];
	const missing = details.filter((detail) => !fine.includes(detail) && !page.text.includes(detail.replace(/^none: /, '')));
	assert.deepEqual(missing, []);
});

test('troubleshooting: a message that nobody says is found', () => {
	const lie = page.text.replace('### `the feed begins anew`', '### `the feed begins sideways`');
	assert.notEqual(lie, page.text);
	const lines = lie.split('\n');
	const prose = page.prose.map(({ line }) => ({ line, text: lines[line - 1] }));
	assert.deepEqual(unsaid({ ...page, text: lie, prose }, sources), ['the feed begins sideways']);
});

// What the docs say against what is there: functions, settings, flags, metrics, messages, members, links.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BRIDGE } from '../harness/bridge.js';
import { ROOT } from '../harness/cluster.js';
import { checkoutFiles } from '../harness/tree.js';
import { parsePage } from './markdown.js';
import { allPages } from './pages.js';
import { bridgeFacts, flagProblems, metricProblems, protocolProblems, rangeOf, rangeProblems } from './properties/bridge.js';
import { clientProblems } from './properties/client.js';
import { makeProblems, makeTargets } from './properties/commands.js';
import { indexProblems, inCheckout, linkProblems } from './properties/links.js';
import { signatureProblems, sqlFacts, sqlProblems } from './properties/sql.js';
import { dependencyProblems, pathProblems } from './properties/tree.js';
import { DocsStand } from './stand.js';

// The docs' users' pages; those about the tests speak of examples in general.
const pages = allPages().filter(({ path }) => !path.startsWith('tests/'));
const none = (problems) => {
	if (problems.length > 0) {
		const error = new Error(problems.join('\n'));
		error.stack = error.message;
		throw error;
	}
};
let stand;
let scene;
let sql;
const tree = new Set(checkoutFiles());
let metrics;
const help = execFileSync(BRIDGE, ['--help'], { encoding: 'utf8' });
const types = readFileSync(join(ROOT, 'client/lockstep.d.ts'), 'utf8');

before(async () => {
	stand = await DocsStand.start();
	scene = await stand.scene('properties');
	await scene.rows('CREATE EXTENSION lockstep; CREATE TABLE t (id int PRIMARY KEY); SELECT lockstep.track(\'t\'); CREATE ROLE shop_bridge LOGIN; GRANT lockstep_bridge TO shop_bridge');
	sql = await sqlFacts((text) => scene.rows(text), ROOT);
	await scene.startBridge([]);
	metrics = await (await fetch(`http://127.0.0.1:${scene.port}/metrics`)).text();
});
after(async () => {
	await scene?.close();
	await stand?.stop();
});

test('links lead somewhere', () => none(linkProblems(pages, inCheckout(ROOT))));
test('the index names each page', () => none(indexProblems(pages)));
test('SQL: all that is public is documented, and nothing else', () => none(sqlProblems(pages, sql)));
test('SQL: signatures are those of the functions', () => none(signatureProblems(pages, sql)));
test('the bridge’s flags and their defaults', () => none(flagProblems(pages, help)));
test('the bridge’s ranges', () => none(rangeProblems(pages, rangeOf)));
test('the bridge’s metrics', () => none(metricProblems(pages, metrics)));
test('messages, errors and close codes', () => none(protocolProblems(pages, bridgeFacts(ROOT))));
test('the client’s members', () => none(clientProblems(pages, types)));
test('make’s targets', () => none(makeProblems(pages, makeTargets(ROOT))));
test('files and folders', () => none(pathProblems(pages, tree)));
test('parts depend on what they may', () => none(dependencyProblems(pages, ROOT, tree)));

// Each of them must be able to fail: a page is falsified, and the lie has to be found.
const LIES = [
	['docs/sql.md', '](#image)', '](#picture)', (all) => linkProblems(all, inCheckout(ROOT)), /no heading #picture/],
	['docs/README.md', '](sql.md)', '](slq.md)', (all) => linkProblems(all, inCheckout(ROOT)), /there is no docs\/slq.md/],
	['docs/README.md', '](sql.md)', '](bridge.md)', indexProblems, /does not name docs\/sql.md/],
	['docs/sql.md', '### doctor\n', '### physician\n', (all) => sqlProblems(all, sql), /no section "doctor"/],
	['docs/sql.md', '`lockstep.guard()`', '`guard()`', (all) => sqlProblems(all, sql), /lockstep.guard is not documented/],
	['docs/sql.md', '### merge_all\n', '### merge_most\n', (all) => sqlProblems(all, sql), /no section "merge_all"/],
	['docs/sql.md', '| `*<`, ', '| `<<`, ', (all) => sqlProblems(all, sql), /operator \*< is in no table[^]*no operator <</],
	['docs/sql.md', '`lockstep.mutation`', '`lockstep.mutations`', (all) => sqlProblems(all, sql), /there is no lockstep.mutations/],
	['docs/sql.md', '| `ordinal` | `integer` |', '| `ordinal` | `bigint` |', (all) => sqlProblems(all, sql), /columns of "changes"/],
	['docs/sql.md', '| `relid` | `oid` | |\n', '', (all) => sqlProblems(all, sql), /columns of "tracked"/],
	['docs/configuration.md', '| `lockstep.max_databases` | `64` |', '| `lockstep.max_databases` | `46` |', (all) => sqlProblems(all, sql), /default of lockstep.max_databases is 64/],
	['docs/sql.md', '`LS005`', '`LS05`', (all) => sqlProblems(all, sql), /raise LS005/],
	['docs/sql.md', '`42710`', '`42711`', (all) => sqlProblems(all, sql), /raise 42710/],
	['docs/sql.md', 'drop_version_column boolean DEFAULT false', 'drop_version_column boolean DEFAULT true', (all) => signatureProblems(all, sql), /DEFAULT false/],
	['docs/sql.md', '`lockstep.maintain() → void`', '`lockstep.maintain() → text`', (all) => signatureProblems(all, sql), /void/],
	['docs/protocol.md', '| 1013 |', '| 1031 |', (all) => protocolProblems(all, bridgeFacts(ROOT)), /close code 1013/],
	['docs/protocol.md', '"type":"goodbye"', '"type":"farewell"', (all) => protocolProblems(all, bridgeFacts(ROOT)), /message goodbye/],
	['docs/protocol.md', '`not_tracked`', '`untracked`', (all) => protocolProblems(all, bridgeFacts(ROOT)), /error not_tracked/],
	['docs/client.md', '`offlineAfter`', '`offline`', (all) => clientProblems(all, types), /offlineAfter is not documented/],
	['docs/client.md', '| `keyOf(row)` |', '| `keysOf(row)` |', (all) => clientProblems(all, types), /there is no keysOf/],
	['README.md', '    make bridge ', '    make brigde ', (all) => makeProblems(all, makeTargets(ROOT)), /no target "brigde"/],
	['docs/architecture.md', '`bridge/desk/`', '`bridge/desks/`', (all) => pathProblems(all, tree), /there is no bridge\/desks/],
	['docs/architecture.md', '| `hub/`, `wire/`, libpq |', '| libpq |', (all) => dependencyProblems(all, ROOT, tree), /bridge\/db\/ depend on hub/],
	['docs/configuration.md', '| `--shards N` | 1 | 1 to 64 |', '| `--shards N` | 2 | 1 to 64 |', (all) => flagProblems(all, help), /default of --shards is 1/],
	['docs/configuration.md', '| `--feed-page N` |', '| `--feed-pages N` |', (all) => flagProblems(all, help), /--feed-page is in no table[^]*there is no flag --feed-pages/],
	['docs/configuration.md', '| 4 kB to 256 MB |', '| 4 kB to 265 MB |', (all) => rangeProblems(all, rangeOf), /--max-frame-bytes takes 4096 to 268435456/],
	['README.md', ' --static /client=client', ' --statics /client=client', (all) => flagProblems(all, help), /knows no --statics/],
	['', '`lockstep_bridge_queue_bytes`', '`lockstep_bridge_queued_bytes`', (all) => metricProblems(all, metrics), /queue_bytes is not documented[^]*no metric lockstep_bridge_queued_bytes/],
];

for (const [path, truth, lie, check, complaint] of LIES) {
	test(`found: "${lie.trim()}" instead of "${truth.trim()}"`, () => {
		const falsified = pages.map((page) => ((path === '' || page.path === path) && page.text.includes(truth) ? { path: page.path, text: page.text.replaceAll(truth, lie), ...parsePage(page.text.replaceAll(truth, lie)) } : page));
		assert.notDeepEqual(falsified, pages, `no page says "${truth}"`);
		assert.match(check(falsified).join('\n'), complaint);
	});
}

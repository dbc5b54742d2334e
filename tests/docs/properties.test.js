// What the docs say against what is there: functions, settings, flags, metrics, messages, members, links.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BRIDGE } from '../harness/bridge.js';
import { ROOT } from '../harness/cluster.js';
import { allPages } from './pages.js';
import { bridgeFacts, flagProblems, metricProblems, protocolProblems } from './properties/bridge.js';
import { clientProblems } from './properties/client.js';
import { makeProblems, makeTargets } from './properties/commands.js';
import { indexProblems, inCheckout, linkProblems } from './properties/links.js';
import { signatureProblems, sqlFacts, sqlProblems } from './properties/sql.js';
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

before(async () => {
	stand = await DocsStand.start();
	scene = await stand.scene('properties');
	await scene.rows('CREATE EXTENSION lockstep; CREATE TABLE t (id int PRIMARY KEY); SELECT lockstep.track(\'t\'); CREATE ROLE shop_bridge LOGIN; GRANT lockstep_bridge TO shop_bridge');
	sql = await sqlFacts((text) => scene.rows(text), ROOT);
});
after(async () => {
	await scene?.close();
	await stand?.stop();
});

test('links lead somewhere', () => none(linkProblems(pages, inCheckout(ROOT))));
test('the index names each page', () => none(indexProblems(pages)));
test('SQL: all that is public is documented, and nothing else', () => none(sqlProblems(pages, sql)));
test('SQL: signatures are those of the functions', () => none(signatureProblems(pages, sql)));
test('the bridge’s flags and their defaults', () => none(flagProblems(pages, execFileSync(BRIDGE, ['--help'], { encoding: 'utf8' }))));
test('the bridge’s metrics', async () => {
	await scene.startBridge([]);
	none(metricProblems(pages, await (await fetch(`http://127.0.0.1:${scene.port}/metrics`)).text()));
});
test('messages, errors and close codes', () => none(protocolProblems(pages, bridgeFacts(ROOT))));
test('the client’s members', () => none(clientProblems(pages, readFileSync(join(ROOT, 'client/lockstep.d.ts'), 'utf8'))));
test('make’s targets', () => none(makeProblems(pages, makeTargets(ROOT))));

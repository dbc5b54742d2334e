// Imports of a size that no single message could carry.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { ROOT, Stand, until } from './harness.js';

let stand;
let alice;
let bob;
before(async () => {
	stand = await Stand.start();
	alice = await stand.open('alice');
	bob = await stand.open('bob');
});
after(() => stand?.stop());

async function choose(...options) {
	const file = join(stand.directory, 'large.csv');
	await writeFile(file, execFileSync(process.execPath, [join(ROOT, 'examples/casework/generate-csv.js'), ...options], { maxBuffer: 256 << 20 }));
	await alice.locator('#file').setInputFiles(file);
	await alice.locator('#import-start:enabled').waitFor();
}

const imported = async (prefix) => Number((await stand.sql(`SELECT count(*) FROM registration WHERE reference LIKE '${prefix}%'`))[0][0]);

// Stops the page's progress at a moment that the test chooses: the next row of the import waits for a lock.
async function holdInserts() {
	await stand.sql(`
		CREATE OR REPLACE FUNCTION wait_for_gate() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NEW.reference LIKE '%-05000' THEN PERFORM pg_advisory_xact_lock(42); END IF;
			RETURN NEW;
		END $$;
		CREATE OR REPLACE TRIGGER gate BEFORE INSERT ON registration FOR EACH ROW EXECUTE FUNCTION wait_for_gate()`);
	// Whoever holds the gate is ended by release().
	const keeper = stand.sql('SELECT pg_advisory_lock(42), pg_sleep(600)').then(
		() => assert.fail('the gate opened by itself'),
		(error) => assert.match(error.message, /terminating connection/),
	);
	const count = async (granted) => Number((await stand.sql(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND granted = ${granted}`))[0][0]);
	await until('the gate is shut', async () => (await count(true)) === 1);
	return {
		waiting: () => until('the import waits at the gate', async () => (await count(false)) > 0),
		release: async () => {
			await stand.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()");
			await keeper;
		},
	};
}

test('an import that is cancelled while it is written leaves nothing behind, and can be started again', async () => {
	await choose('--rows', '12000', '--seed', '21');
	const gate = await holdInserts();
	await alice.locator('#import-start').click();
	await gate.waiting();
	await alice.locator('#import-stage', { hasText: /Writing, in one transaction: \d/ }).waitFor();
	await alice.locator('#import-cancel').click();
	await alice.locator('#import-dialog .message', { hasText: 'Cancelling' }).waitFor();
	await gate.release();
	await alice.locator('#import-dialog .message', { hasText: 'The import was cancelled. Nothing was imported.' }).waitFor();
	assert.equal(await imported('I-21-'), 0);
	await alice.locator('#import-start').click();
	await alice.locator('#import-dialog').waitFor({ state: 'detached' });
	assert.equal(await imported('I-21-'), 12000);
});

test('an import whose connection is lost goes on by itself, and nothing is imported twice', async () => {
	await choose('--rows', '12000', '--seed', '22');
	const gate = await holdInserts();
	await alice.locator('#import-start').click();
	await gate.waiting();
	await stand.killBridge('SIGKILL');
	await alice.locator('#import-dialog .message', { hasText: 'The import goes on by itself' }).waitFor();
	await gate.release();
	await stand.startBridge();
	await alice.locator('#import-dialog').waitFor({ state: 'detached' });
	assert.equal(await imported('I-22-'), 12000);
	await stand.sql('DROP TRIGGER gate ON registration');
});

test('bad lines can be had as a file, and that file, corrected, be imported', async () => {
	await choose('--rows', '3000', '--seed', '23', '--bad', '300');
	await alice.getByText('Showing the first 200 of 300.').waitFor();
	const [download] = await Promise.all([alice.waitForEvent('download'), alice.locator('#import-download').click()]);
	assert.equal(download.suggestedFilename(), 'large-problems.csv');
	const text = await readFile(await download.path(), 'utf8');
	assert.match(text, /^line,problem,reference,applicant,/);
	await alice.locator('#import-cancel').click();
	const corrected = text.replace(',spaceship,', ',event,');
	assert.notEqual(corrected, text);
	await alice.locator('#file').setInputFiles({ name: 'corrected.csv', mimeType: 'text/csv', buffer: Buffer.from(corrected) });
	await alice.locator('#import-dialog', { hasText: '2 good lines, 298 with problems' }).waitFor(); // and one whose twin is not in this file
	const [second] = await Promise.all([alice.waitForEvent('download'), alice.locator('#import-download').click()]);
	const rest = await readFile(await second.path(), 'utf8');
	assert.match(rest, /^line,problem,reference,applicant,/);
	assert.doesNotMatch(rest.split(/\r?\n/)[0], /,line,|,problem,.*,problem,/, 'what is left can be corrected and imported again');
	await alice.locator('#import-cancel').click();
});

test('100,000 records are imported in one transaction, and pages stay usable', async (t) => {
	const watch = (page) =>
		page.evaluate(() => {
			globalThis.longest = 0;
			new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (globalThis.longest = Math.max(globalThis.longest, duration)))).observe({ type: 'longtask' });
		});
	await watch(alice);
	await watch(bob);
	const [[beginning]] = await stand.sql('SELECT lockstep.position()');
	await choose('--rows', '100000', '--seed', '24');
	const begun = Date.now();
	await alice.locator('#import-start').click();
	await alice.locator('#import-dialog').waitFor({ state: 'detached', timeout: 60_000 });
	const took = Date.now() - begun;
	for (const page of [alice, bob]) {
		await page.locator('#summary', { hasText: '1–40 of 124,140 records' }).waitFor({ timeout: 60_000 });
	}
	t.diagnostic(`import ${took} ms, both pages show it after ${Date.now() - begun} ms; longest task ${await alice.evaluate(() => globalThis.longest)} and ${await bob.evaluate(() => globalThis.longest)} ms`);
	assert.equal(await imported('I-24-'), 100_000);
	const [[transactions]] = await stand.sql(`SELECT count(DISTINCT xid) FROM lockstep.changes('${beginning}') WHERE op = 'insert'`);
	assert.equal(transactions, '1');
	await bob.locator('.activity li', { hasText: 'alice added 100,000 records (import of large.csv)' }).waitFor();
	await bob.locator('#search').fill('I-24-77777');
	await bob.locator('#summary', { hasText: '1 matching, 124,140 in all' }).waitFor();
	await bob.locator('#records tbody tr').first().click();
	await bob.locator('aside h2', { hasText: 'I-24-77777' }).waitFor();
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

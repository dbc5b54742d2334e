import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Stand } from './harness.js';
import { agrees, closePanel, hurry, openRecord, save, saved, sees, state, type } from './casework.js';

let stand;
let alice;
let bob;
before(async () => {
	stand = await Stand.start();
	alice = await stand.open('alice');
	bob = await stand.open('bob');
});
after(() => stand?.stop());

// Single transactions: updates, an insert and a delete.
async function workAtPsql(actor, count) {
	for (let n = 1; n <= count; n++) {
		const reference = `R-2026-${String(n).padStart(5, '0')}`;
		await stand.sql(`UPDATE registration SET assigned_to = '${actor} ${n}' WHERE reference = '${reference}'`, { actor });
	}
	await stand.sql(`INSERT INTO registration (reference, applicant) VALUES ('N-${actor}', 'new')`, { actor });
	await stand.sql("DELETE FROM registration WHERE reference = (SELECT max(reference) FROM registration WHERE reference LIKE 'R-%')", { actor });
}

async function toldOnce(page, actor, count) {
	await agrees(page, stand);
	const lines = await page.locator('.activity li .actor', { hasText: new RegExp(`^${actor}$`) }).count();
	assert.equal(lines, count + 2, 'each change was shown once');
}

test('the bridge is killed and comes back: pages say so, catch up by themselves, and miss nothing', async () => {
	const killed = Date.now();
	await stand.killBridge('SIGKILL');
	for (const page of [alice, bob]) {
		await page.locator('#notice', { hasText: 'There is no connection to the server. You see the records as they were at' }).waitFor();
		assert.ok((await page.locator('#records tbody tr').count()) > 0, 'what was shown stays');
		assert.ok(Date.parse(await page.locator('#notice').getAttribute('data-since')) >= killed, 'the notice tells the time of the loss');
	}
	await state(alice, 'offline');
	await workAtPsql('dora', 12);
	await stand.startBridge();
	for (const page of [alice, bob]) {
		await state(page, 'connected');
		await toldOnce(page, 'dora', 12);
		await page.locator('#notice').waitFor({ state: 'hidden' });
	}
});

test('what was saved while the bridge was away is written once when it is back', async () => {
	await openRecord(alice, 'R-2026-00020');
	const before = Number(await alice.locator('aside .version').getAttribute('data-version'));
	await stand.killBridge('SIGKILL');
	await alice.locator('#notice').waitFor();
	await type(alice, 'note', 'saved without a connection');
	await save(alice);
	await alice.locator('aside .message', { hasText: 'This is sent when it is back' }).waitFor();
	await stand.startBridge();
	await hurry(alice);
	assert.equal(await saved(alice), before + 1);
	const [[note, version]] = await stand.sql("SELECT note, row_version FROM registration WHERE reference = 'R-2026-00020'");
	assert.deepEqual([note, Number(version)], ['saved without a connection', before + 1]);
	await closePanel(alice);
});

test('"refresh" connects at once, without waiting for the next attempt', async () => {
	const carol = await stand.open('carol', { clock: true });
	await stand.killBridge('SIGKILL');
	await carol.locator('#notice').waitFor();
	// With the page's timers stopped, nothing but the button can lead to an attempt.
	await carol.clock.pauseAt(new Date(Date.now() + 60_000));
	await state(carol, 'offline');
	await stand.startBridge();
	await stand.sql("UPDATE registration SET assigned_to = 'refreshed' WHERE reference = 'R-2026-00021'");
	await carol.locator('#refresh').click();
	await state(carol, 'connected');
	await carol.clock.resume();
	await sees(carol, 'R-2026-00021', 'assigned_to', 'refreshed');
	await carol.context().close();
});

test('the bridge is stopped in an orderly way and restarted', async () => {
	const { code } = await stand.killBridge('SIGTERM');
	assert.equal(code, 0);
	await workAtPsql('erin', 5);
	await stand.startBridge();
	await hurry(alice);
	await hurry(bob);
	await toldOnce(alice, 'erin', 5);
	await toldOnce(bob, 'erin', 5);
});

for (const mode of ['fast', 'immediate']) {
	test(`the server is stopped (${mode}) and started again under connected pages`, async () => {
		await state(alice, 'connected');
		const stopping = Date.now();
		await stand.stopServer(mode);
		await alice.locator('#notice', { hasText: 'The server has lost its database' }).waitFor();
		assert.ok(Date.parse(await alice.locator('#notice').getAttribute('data-since')) >= stopping, 'the notice tells the time of the loss');
		assert.ok((await alice.locator('#records tbody tr').count()) > 0, 'what was shown stays');
		await stand.startServer();
		await workAtPsql(`after ${mode}`, 5);
		await toldOnce(alice, `after ${mode}`, 5);
		await toldOnce(bob, `after ${mode}`, 5);
		await alice.locator('#notice').waitFor({ state: 'hidden' });
	});
}

test('what is saved while the database is away is written once when it is back', async () => {
	await openRecord(bob, 'R-2026-00030');
	const before = Number(await bob.locator('aside .version').getAttribute('data-version'));
	await stand.stopServer('immediate');
	await bob.locator('#notice', { hasText: 'The server has lost its database' }).waitFor();
	await type(bob, 'note', 'saved without a database');
	await save(bob);
	await stand.startServer();
	assert.equal(await saved(bob), before + 1);
	await sees(alice, 'R-2026-00030', 'reference', 'R-2026-00030');
	await agrees(alice, stand);
	await closePanel(bob);
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

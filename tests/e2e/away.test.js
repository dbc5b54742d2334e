// Absences of every kind, as the person at the page meets them: what is said, what is kept, what was missed.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Stand, until } from './harness.js';
import { agrees, closePanel, hurry, openRecord, row, save, sees, state, type } from './casework.js';

let stand;
let alice;
before(async () => {
	stand = await Stand.start('--heartbeat-seconds', '2');
	alice = await stand.open('alice');
});
after(() => stand?.stop());

test('without a network the page says so, keeps what is shown, and says afterwards what was missed', async () => {
	const context = alice.context();
	await context.setOffline(true);
	await stand.killBridge('SIGKILL'); // Chromium keeps an open WebSocket alive when it is set offline
	await alice.locator('#notice', { hasText: 'There is no connection to the server. You see the records as they were at' }).waitFor();
	await state(alice, 'offline');
	await stand.startBridge();
	assert.ok((await alice.locator('#records tbody tr').count()) > 0);
	await alice.locator('#refresh').click();
	await alice.locator('#notice-tried', { hasText: /^Tried at .*: no answer\.$/ }).waitFor();
	await stand.sql("UPDATE registration SET status = 'done' WHERE reference = 'R-2026-00003'", { actor: 'bob' });
	await stand.sql("UPDATE registration SET amount = 1, note = 'x' WHERE reference IN ('R-2026-00004', 'R-2026-00005')", { actor: 'carol' });
	await stand.sql("UPDATE registration SET amount = 2 WHERE reference = 'R-2026-00004'", { actor: 'carol' });
	await context.setOffline(false); // the page hears of it, and connects by itself
	await state(alice, 'connected');
	await alice.locator('#missed', { hasText: 'Meanwhile there were 4 changes to 3 records: carol 3, bob 1.' }).waitFor();
	for (const reference of ['R-2026-00003', 'R-2026-00004', 'R-2026-00005']) {
		await row(alice, reference).and(alice.locator('.missed')).waitFor();
	}
	assert.equal(await alice.locator('tr.missed').count(), 3);
	// What happens from now on was not missed.
	await stand.sql("UPDATE registration SET amount = 3 WHERE reference = 'R-2026-00006'", { actor: 'bob' });
	await sees(alice, 'R-2026-00006', 'amount', '3.00');
	assert.match(await alice.locator('#missed').textContent(), /4 changes to 3 records/);
	await alice.locator('#missed-dismiss').click();
	await alice.locator('tr.missed').first().waitFor({ state: 'detached' });
});

test('changes wait visibly while there is no connection, and each is sent once', async () => {
	await stand.killBridge('SIGKILL');
	await alice.locator('#notice').waitFor();
	await row(alice, 'R-2026-00010').getByRole('checkbox').click();
	await row(alice, 'R-2026-00010').locator('td.unsaved .status', { hasText: 'done' }).waitFor();
	await openRecord(alice, 'R-2026-00011');
	await type(alice, 'note', 'written without a connection');
	await save(alice);
	await alice.locator('aside .message', { hasText: 'you can go on with other records' }).waitFor();
	await openRecord(alice, 'R-2026-00012'); // no question: nothing is lost
	await alice.locator('#unsaved', { hasText: '2 not saved yet' }).waitFor();
	assert.match(await alice.locator('#unsaved').getAttribute('title'), /R-2026-00010: status done\nR-2026-00011: note written/);
	await alice.locator('#notice', { hasText: '2 changes of yours wait to be sent.' }).waitFor();
	await closePanel(alice);
	await stand.startBridge();
	await hurry(alice);
	await alice.locator('#unsaved').waitFor({ state: 'hidden' });
	await alice.locator('#notice').waitFor({ state: 'hidden' });
	const held = await stand.sql("SELECT status, coalesce(note, ''), row_version FROM registration WHERE reference IN ('R-2026-00010', 'R-2026-00011') ORDER BY reference");
	assert.equal(held[0][0], 'done');
	assert.deepEqual(held[1].slice(1), ['written without a connection', '2']);
});

test('a change that waited and is refused can be compared, whatever is on the screen by then', async () => {
	await stand.killBridge('SIGKILL');
	await alice.locator('#notice').waitFor();
	await openRecord(alice, 'R-2026-00015');
	await type(alice, 'note', 'mine, late');
	await save(alice);
	await alice.locator('#unsaved').waitFor();
	await openRecord(alice, 'R-2026-00016');
	await stand.sql("UPDATE registration SET note = 'theirs, first' WHERE reference = 'R-2026-00015'", { actor: 'bob' });
	await stand.startBridge();
	await hurry(alice);
	await alice.locator('#toast', { hasText: 'Your change of R-2026-00015 was not saved. bob changed it meanwhile.' }).waitFor();
	await alice.locator('#toast-action', { hasText: 'Compare' }).click();
	await alice.locator('#conflict tr[data-field=note][data-by=both]').waitFor();
	await alice.locator('#apply-mine').click();
	await alice.locator('aside .message', { hasText: 'Saved as version 3' }).waitFor();
	await closePanel(alice);
	const [[note]] = await stand.sql("SELECT note FROM registration WHERE reference = 'R-2026-00015'");
	assert.equal(note, 'mine, late');
});

test('a page that was frozen catches up by itself', async () => {
	const bob = await stand.open('bob');
	const cdp = await bob.context().newCDPSession(bob);
	await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
	await stand.killBridge('SIGKILL');
	await stand.sql("UPDATE registration SET applicant = 'While it slept' WHERE reference = 'R-2026-00001'", { actor: 'carol' });
	await stand.startBridge();
	await cdp.send('Page.setWebLifecycleState', { state: 'active' });
	await sees(bob, 'R-2026-00001', 'applicant', 'While it slept');
	await agrees(bob, stand);
	await bob.context().close();
});

test('latency is right on a page whose clock is an hour off', async () => {
	const late = await stand.open('late', { clock: true, clockTime: Date.now() - 3_600_000 });
	let n = 0;
	await until('a latency is shown', async () => {
		await stand.sql(`UPDATE registration SET amount = ${++n} WHERE reference = 'R-2026-00020'`, { actor: 'bob' });
		return late.locator('#latency').isVisible();
	});
	const told = await late.locator('#latency-text').textContent();
	const took = /^last change (?:<1|(\d+)) ms$/.exec(told);
	assert.ok(took !== null && Number(took[1] ?? 0) < 10_000, told);
	assert.match(await late.locator('#latency').getAttribute('title'), /Median of the last \d+: /);
	await late.context().close();
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

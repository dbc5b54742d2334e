import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Stand, until } from './harness.js';
import { agrees, cellText, closePanel, openRecord, row, save, saved, sees, type } from './casework.js';

let stand;
let alice;
let bob;
let beginning; // the position at which the records of schema.sql were there and nothing else
before(async () => {
	stand = await Stand.start();
	[[beginning]] = await stand.sql('SELECT lockstep.position()');
	alice = await stand.open('alice');
	bob = await stand.open('bob');
});
after(() => stand?.stop());

test('an edit in one browser is seen in the other with the name of who did it', async () => {
	await openRecord(alice, 'R-2026-00002');
	await type(alice, 'assigned_to', 'dora');
	await save(alice);
	assert.equal(await saved(alice), 2);
	await sees(bob, 'R-2026-00002', 'assigned_to', 'dora');
	await row(bob, 'R-2026-00002').locator('.by', { hasText: 'alice' }).waitFor({ state: 'attached' });
	await bob.locator('.activity li', { hasText: 'alice' }).filter({ hasText: 'set assigned to of R-2026-00002 to dora' }).waitFor();
	await bob.locator('#announcer', { hasText: 'alice set assigned to of R-2026-00002 to dora' }).waitFor({ state: 'attached' });
	const [[status, version, actor]] = await stand.sql(`
		SELECT status, row_version, (SELECT actor FROM lockstep.changes('${beginning}') ORDER BY seq DESC LIMIT 1)
		FROM registration WHERE reference = 'R-2026-00002'`);
	assert.deepEqual([version, actor], ['2', 'alice']);
	assert.equal(status, await cellText(bob, 'R-2026-00002', 'status'), 'only the changed field was saved');
	await closePanel(alice);
});

test('an UPDATE in psql shows in both browsers', async () => {
	await stand.sql("UPDATE registration SET status = 'rejected', note = 'checked' WHERE reference = 'R-2026-00005'", { actor: 'the dba' });
	for (const page of [alice, bob]) {
		await sees(page, 'R-2026-00005', 'status', 'rejected');
		await page.locator('.activity li', { hasText: 'the dba' }).waitFor();
	}
});

test('records that are added and deleted come and go in both browsers', async () => {
	await alice.locator('#create').click();
	await type(alice, 'reference', 'A-1');
	await type(alice, 'applicant', '<b>Zoë & Co</b>');
	await type(alice, 'category', 'event');
	await type(alice, 'submitted', '2026-10-01');
	await type(alice, 'amount', '123456789.05');
	await save(alice);
	assert.equal(await saved(alice), 1);
	await sees(bob, 'A-1', 'applicant', '<b>Zoë & Co</b>');
	await sees(bob, 'A-1', 'amount', '123,456,789.05');
	await alice.locator('aside button.danger').click();
	await alice.locator('#confirm-yes').click();
	await row(bob, 'A-1').waitFor({ state: 'detached' });
	await row(alice, 'A-1').waitFor({ state: 'detached' });
});

test('a record that changes while the page asks whether to leave another is shown as it is then', async () => {
	await openRecord(alice, 'R-2026-00003');
	await type(alice, 'note', 'not to be saved');
	const before = await row(alice, 'R-2026-00004').getAttribute('data-version');
	await row(alice, 'R-2026-00004').click();
	await alice.locator('#confirm-yes').waitFor();
	await stand.sql("UPDATE registration SET note = 'from elsewhere' WHERE reference = 'R-2026-00004'", { actor: 'carol' });
	await until('the change is here', async () => (await row(alice, 'R-2026-00004').getAttribute('data-version')) !== before);
	await alice.locator('#confirm-yes').click();
	await alice.locator('aside h2:text-is("R-2026-00004")').waitFor();
	assert.equal(await alice.locator('aside [name=note]').inputValue(), 'from elsewhere');
	await closePanel(alice);
});

test('what the page can tell is wrong is said before anything is sent', async () => {
	await openRecord(alice, 'R-2026-00003');
	await type(alice, 'email', 'nonsense');
	await type(alice, 'applicant', '');
	await save(alice);
	await alice.locator('.field.wrong .note', { hasText: 'must be an address' }).waitFor();
	await alice.locator('.field.wrong .note', { hasText: 'is missing' }).waitFor();
	await closePanel(alice);
	const [[version]] = await stand.sql("SELECT row_version FROM registration WHERE reference = 'R-2026-00003'");
	assert.equal(version, '1');
});

test('what only the database can tell is explained, and nothing is written', async () => {
	await openRecord(alice, 'R-2026-00003');
	await type(alice, 'reference', 'R-2026-00004');
	await save(alice);
	await alice.locator('aside .message', { hasText: 'There is a record with this reference already.' }).waitFor();
	await closePanel(alice);
	await agrees(alice, stand);
});

test('search, filter and order work on the live rows, by keyboard too', async () => {
	await bob.keyboard.press('/');
	await bob.keyboard.type('R-2026-0001');
	await bob.locator('#summary', { hasText: '10 matching, 140 in all' }).waitFor();
	await stand.sql("UPDATE registration SET status = 'done' WHERE reference = 'R-2026-00010'");
	await bob.locator('#filters [data-status=done]').click();
	await sees(bob, 'R-2026-00010', 'status', 'done');
	await bob.locator('th[data-column=reference] button').click();
	await bob.locator('th[data-column=reference][aria-sort=descending]').waitFor();
	const shown = await bob.locator('td[data-column=reference]').allTextContents();
	assert.deepEqual(shown, [...shown].sort().reverse());
	await bob.locator('#filters [data-status=all]').click();
	await bob.locator('#summary', { hasText: '10 matching, 140 in all' }).waitFor();
	await bob.locator('#records tbody tr').first().focus();
	await bob.keyboard.press('ArrowDown');
	await bob.keyboard.press('Enter');
	await bob.locator('aside h2', { hasText: 'R-2026-00018' }).waitFor();
	await bob.keyboard.press('Escape');
	await bob.locator('aside h2', { hasText: 'Recent changes' }).waitFor();
	await bob.locator('#search').fill('');
	await agrees(bob, stand);
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

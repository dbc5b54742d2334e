// What axe finds in each state of the demo, light and dark, wide and narrow; and what people who work without a mouse or
// without seeing the page meet.

import assert from 'node:assert/strict';
import axe from 'axe-core';
import test, { after, before } from 'node:test';
import { Stand } from './harness.js';
import { hurry, openRecord, row, type } from './casework.js';

let stand;
before(async () => (stand = await Stand.start()));
after(() => stand?.stop());

// Every rule of WCAG 2.2 A and AA and of good practice, contrast included.
async function clean(page, state) {
	await page.evaluate(axe.source);
	const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
	const lines = found.violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(' ')}: ${failureSummary}`));
	assert.deepEqual(lines, [], state);
}

const BAD = `reference,applicant,category,submitted
X-1,,event,2026-01-01
X-2,Good,event,2026-01-01
`;

async function throughAllStates(page, tell) {
	await tell('list');
	// A change of others: the name tag and the lit cell are there (motion is reduced, so nothing fades).
	await stand.sql("UPDATE registration SET status = 'in progress', amount = amount + 1 WHERE reference IN ('R-2026-00003', 'R-2026-00012')", { actor: 'dora' });
	await row(page, 'R-2026-00003').locator('.by').first().waitFor({ state: 'attached' });
	await tell('changes by others');
	await page.locator('#records tbody tr').nth(4).click();
	await page.locator('aside form').waitFor();
	await tell('a record');
	await type(page, 'note', 'mine');
	const reference = await page.locator('aside h2').textContent();
	await stand.sql(`UPDATE registration SET note = coalesce(note, '') || ' theirs', assigned_to = 'd' || row_version WHERE reference = '${reference}'`, { actor: 'dora' });
	await page.locator('aside .message', { hasText: 'Your edit began' }).waitFor();
	await tell('a record that others changed meanwhile');
	await page.locator('aside button.primary').click();
	await page.locator('#conflict').waitFor();
	await tell('a conflict');
	await page.locator('#take-theirs').click();
	await type(page, 'email', 'nonsense');
	await page.locator('aside button.primary').click();
	await page.locator('.field.wrong').waitFor();
	await tell('a problem in a field');
	await page.locator('aside .close').click();
	await page.locator('#confirm').waitFor();
	await tell('a question');
	await page.locator('#confirm-yes').click();
	await page.locator('#file').setInputFiles({ name: 'x.csv', mimeType: 'text/csv', buffer: Buffer.from(BAD) });
	await page.locator('.bad-lines').waitFor();
	await tell('an import with bad lines');
	await page.locator('#import-cancel').click();
	await page.locator('#help').click();
	await page.locator('#shortcuts').waitFor();
	await tell('the shortcuts');
	await page.keyboard.press('Escape');
	await page.locator('#search').fill('nothing at all');
	await page.locator('#empty-action').waitFor();
	await tell('nothing found');
	await page.locator('#empty-action').click();
	await page.locator('#records tbody tr').first().waitFor();
	await stand.killBridge();
	await page.locator('#notice').waitFor();
	await page.locator('#records tbody tr').nth(2).focus();
	await page.keyboard.press('d');
	await page.locator('#unsaved').waitFor();
	await tell('no connection, and a change that waits');
	await stand.sql("UPDATE registration SET note = 'away ' || row_version WHERE reference = 'R-2026-00001'", { actor: 'dora' });
	await stand.startBridge();
	await hurry(page);
	await page.locator('#missed').waitFor();
	await page.locator('#toast').waitFor();
	await tell('back again');
	await page.locator('#missed-dismiss').click();
}

for (const colorScheme of ['light', 'dark']) {
	test(`axe finds nothing to complain about: ${colorScheme}`, async () => {
		const page = await stand.open('alice', { colorScheme, viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
		await throughAllStates(page, (state) => clean(page, `${state}, ${colorScheme}`));
		await page.context().close();
	});
}

test('axe finds nothing to complain about on a phone, and nothing is wider than it', async () => {
	const page = await stand.open('alice', { viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' });
	const fits = async () => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
	await clean(page, 'list, narrow');
	await fits();
	await page.getByRole('button', { name: 'Changes' }).click();
	await page.getByRole('heading', { name: 'Recent changes' }).waitFor();
	await clean(page, 'changes, narrow');
	await page.getByRole('button', { name: 'Changes' }).click();
	await page.locator('#records tbody tr').first().click();
	await page.locator('aside form').waitFor();
	await clean(page, 'record, narrow');
	await fits();
	await page.context().close();
});

test('the name is asked for in a dialog that axe finds in order', async () => {
	const context = await stand.context();
	const page = await context.newPage();
	await page.goto(stand.url);
	await page.locator('#name').waitFor();
	await clean(page, 'the name');
	await page.keyboard.press('Escape');
	assert.ok(await page.locator('#name').isVisible(), 'one cannot work without a name');
	await page.keyboard.press('Enter');
	await page.locator('#name .note', { hasText: 'Please enter a name.' }).waitFor();
	await page.keyboard.type('erin');
	await page.keyboard.press('Enter');
	await page.getByRole('row', { name: /R-2026-00001/ }).waitFor();
	await context.close();
});

test('roles and names: what a screen reader has to tell', async () => {
	const page = await stand.open('frank');
	const grid = page.getByRole('grid', { name: 'Registrations' });
	assert.equal(await grid.getAttribute('aria-rowcount'), '141');
	assert.equal(await page.getByRole('columnheader', { name: 'Reference' }).getAttribute('aria-sort'), 'ascending');
	const first = page.getByRole('row', { name: /R-2026-00001/ });
	assert.equal(await first.getAttribute('aria-rowindex'), '2');
	await page.getByRole('checkbox', { name: 'R-2026-00001 done' }).waitFor();
	await page.getByRole('button', { name: 'Next page' }).click();
	assert.equal(await page.locator('#records tbody tr').first().getAttribute('aria-rowindex'), '42');
	await page.getByRole('button', { name: 'Previous page' }).click();
	await openRecord(page, 'R-2026-00020');
	const form = page.getByRole('form', { name: 'Record R-2026-00020' });
	await form.getByLabel('Email').fill('nonsense');
	await form.getByRole('button', { name: 'Save' }).click();
	const email = form.getByLabel('Email');
	assert.equal(await email.getAttribute('aria-invalid'), 'true');
	assert.equal(await page.locator(`#${await email.getAttribute('aria-describedby')}`).textContent(), 'must be an address such as name@example.org');
	assert.equal(await page.evaluate(() => document.activeElement.name), 'email', 'the focus is where the problem is');
	await page.context().close();
});

test('many changes are announced in few sentences', async () => {
	const page = await stand.open('gina');
	await page.evaluate(() => {
		globalThis.said = [];
		new MutationObserver(() => globalThis.said.push(document.querySelector('#announcer').textContent)).observe(document.querySelector('#announcer'), { childList: true });
	});
	await stand.sql(
		"DO $$ BEGIN FOR n IN 1..60 LOOP UPDATE registration SET note = 'n' || n WHERE reference = 'R-2026-00050'; COMMIT; END LOOP; END $$",
		{ actor: 'dora' },
	);
	await page.waitForFunction(() => globalThis.said.some((text) => /^\d+ changes by dora$/.test(text)));
	const said = await page.evaluate(() => globalThis.said);
	assert.ok(said.length <= 3, said.join(' | '));
	await page.context().close();
});

test('everything can be done with the keyboard alone', async () => {
	const page = await stand.open('hana');
	const focused = () => page.evaluate(() => document.activeElement.closest('tr')?.querySelector('td[data-column=reference] .value').textContent ?? document.activeElement.id ?? document.activeElement.name);
	// To the list: through the tools and the headings, and one stop for all rows.
	await page.keyboard.press('/');
	assert.equal(await focused(), 'search');
	await page.keyboard.type('R-2026-0003');
	await page.locator('#summary', { hasText: '10 matching' }).waitFor();
	await page.keyboard.press('ArrowDown');
	assert.equal(await focused(), 'R-2026-00030');
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('End');
	assert.equal(await focused(), 'R-2026-00039');
	await page.keyboard.press('Home');
	assert.equal(await focused(), 'R-2026-00030');
	assert.equal(await page.locator('#records tbody tr[tabindex="0"]').count(), 1);
	// Edit and save; the focus returns to the row.
	await page.keyboard.press('Enter');
	await page.locator('aside h2', { hasText: 'R-2026-00030' }).waitFor();
	assert.equal(await page.evaluate(() => document.activeElement.name), 'status');
	await page.keyboard.press('Tab');
	await page.keyboard.press('ControlOrMeta+a');
	await page.keyboard.type('hana');
	await page.keyboard.press('Control+Enter');
	await page.locator('aside .message', { hasText: 'Saved as version' }).waitFor();
	await page.keyboard.press('Escape');
	await page.locator('aside[data-mode=idle]').waitFor();
	assert.equal(await focused(), 'R-2026-00030');
	// Done and undone.
	await page.keyboard.press('d');
	await page.locator('#toast', { hasText: 'R-2026-00030 is done.' }).waitFor();
	await page.keyboard.press('z');
	await page.locator('#toast', { hasText: 'R-2026-00030 is' }).filter({ hasText: 'again' }).waitFor();
	// Help, and back to the row.
	await page.keyboard.press('?');
	await page.locator('#shortcuts').waitFor();
	await page.keyboard.press('Space'); // off
	await page.keyboard.press('Escape');
	await page.locator('#shortcuts').waitFor({ state: 'detached' });
	assert.equal(await focused(), 'R-2026-00030');
	await page.keyboard.press('n');
	assert.equal(await page.locator('aside form').count(), 0, 'shortcuts of single characters can be switched off');
	await page.context().close();
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

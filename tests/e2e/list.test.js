// The list while others work: what the person set stays, nothing moves under the hand, and "done" is seen by all.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Stand, until } from './harness.js';
import { letGo, openRecord, row, saved, save, sees, type } from './casework.js';
import { randomList } from './list_property.js';

let stand;
let alice;
before(async () => {
	stand = await Stand.start();
	alice = await stand.open('alice');
});
after(() => stand?.stop());

const references = (page) => page.locator('#records tbody td[data-column=reference] .value').allTextContents();
const setting = (page) =>
	page.evaluate(() => ({
		search: document.querySelector('#search').value,
		status: document.querySelector('#filters [aria-pressed=true]').dataset.status,
		sort: document.querySelector('#records th:is([aria-sort=ascending], [aria-sort=descending])').dataset.column,
		direction: document.querySelector('#records th:is([aria-sort=ascending], [aria-sort=descending])').ariaSort,
	}));

test('random streams of changes: order, counts and page are right, and only the person changes the view', async (t) => {
	const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
	t.diagnostic(`SEED=${seed}`);
	const source = randomList.toString();
	for (let n = 0; n < 3; n++) {
		const counts = await alice.evaluate(`(${source})({ seed: ${seed + n}, steps: 200 })`);
		assert.ok(Object.values(counts).every((times) => times > 10), JSON.stringify(counts));
	}
});

test('what changed while the list was being built is taken in piece by piece', async () => {
	const counts = await alice.evaluate(async () => {
		const { RecordIndex, noView } = await import('/js/record_index.js');
		const row = (id, reference) => ({ id, reference, applicant: 'a', status: 'open', row_version: 1 });
		const rows = new Map(Array.from({ length: 10_000 }, (_, n) => [n, row(n, `R-${n}`)]));
		const index = new RecordIndex(rows);
		index.choose(noView);
		for (let n = 0; n < 10_000; n += 100) {
			const ids = Array.from({ length: 100 }, (_, m) => n + m);
			ids.forEach((id) => rows.set(id, row(id, `R-${20_000 - id}`)));
			index.changed(ids);
		}
		let slices = 1;
		while (!index.work(() => true)) {
			slices++;
		}
		return { slices, building: index.building, first: index.slice(0, 1)[0], all: index.counts.all };
	});
	assert.ok(counts.slices > 10_000 / 256, `${counts.slices} slices`);
	assert.deepEqual({ ...counts, slices: 0 }, { slices: 0, building: false, first: 9999, all: 10_000 });
});

test('marks of changes do not pile up while nothing is drawn', async () => {
	const marked = await alice.evaluate(async () => {
		const { Marks } = await import('/js/marks.js');
		const marks = new Marks();
		for (let n = 0; n < 1000; n++) {
			marks.note([{ op: 'insert', key: n, row: {}, actor: 'bob' }], () => false, n * 1000);
		}
		return Array.from({ length: 1000 }, (_, n) => n).filter((id) => marks.flashesOf(id) !== undefined).length;
	});
	assert.ok(marked > 0 && marked < 20, `${marked} are kept`);
});

test('sort, filter, page and search stay as they were set while changes stream in', async () => {
	await alice.locator('th[data-column=amount] button').click();
	await alice.locator('th[data-column=amount] button').click();
	await alice.locator('#filters [data-status=open]').click();
	await alice.locator('#next').click();
	await alice.locator('#summary', { hasText: '41–69 of 69 matching' }).waitFor();
	const before = { ...(await setting(alice)), references: await references(alice) };
	await alice.locator('#records tbody tr').nth(3).hover();
	await stand.sql(
		`DO $$ BEGIN FOR n IN 1..200 LOOP
			INSERT INTO registration (reference, applicant, amount) VALUES ('S-' || n, 'stream', n * 37 % 5000);
			UPDATE registration SET amount = (amount + 1000) % 5000 WHERE id = 1 + n * 13 % 140; COMMIT; END LOOP; END $$`,
		{ actor: 'dora' },
	);
	await alice.locator('#filters [data-status=all] .count', { hasText: '340' }).waitFor();
	assert.deepEqual({ ...(await setting(alice)), references: await references(alice) }, before, 'held: nothing moved');
	await alice.locator('#pending', { hasText: 'new here' }).waitFor();
	await alice.locator('#pending').click();
	await alice.locator('#pending').waitFor({ state: 'hidden' });
	assert.notDeepEqual(await references(alice), before.references);
	assert.deepEqual(await setting(alice), { search: '', status: 'open', sort: 'amount', direction: 'descending' });
	const amounts = (await alice.locator('#records tbody td.amount .value').allTextContents()).map((text) => Number(text.replaceAll(',', '')));
	assert.deepEqual(amounts, [...amounts].sort((a, b) => b - a));
});

test('a reload keeps it all, the open record too, and a link shares it', async () => {
	await alice.locator('#search').fill('company');
	await alice.locator('#summary', { hasText: 'matching' }).waitFor();
	await alice.locator('#records tbody tr').nth(2).click();
	const title = await alice.locator('aside h2').textContent();
	const before = { ...(await setting(alice)), references: await references(alice), address: alice.url() };
	assert.match(before.address, /status=open.*q=company.*sort=-amount.*record=\d+/);
	await alice.reload();
	await alice.locator(`aside h2:text-is("${title}")`).waitFor();
	assert.deepEqual({ ...(await setting(alice)), references: await references(alice), address: alice.url() }, before);
	await alice.locator('aside .close').click();
	await alice.goto(`${stand.url}?status=nonsense&sort=-colour&from=99999&record=x`);
	await alice.locator('#records tbody tr').first().waitFor();
	assert.deepEqual(await setting(alice), { search: '', status: 'all', sort: 'reference', direction: 'ascending' });
});

test('rows that no longer belong to a held list stay and say so; a list that nobody holds follows', async () => {
	await alice.goto(`${stand.url}?status=in%20progress`);
	const second = alice.locator('#records tbody tr').nth(1);
	await second.waitFor();
	const [, left, deleted] = await references(alice);
	await second.focus();
	await stand.sql(`UPDATE registration SET status = 'done' WHERE reference = '${left}'`, { actor: 'dora' });
	await stand.sql(`DELETE FROM registration WHERE reference = '${deleted}'`, { actor: 'dora' });
	await alice.locator('tr.astray').filter({ hasText: left }).waitFor();
	await alice.locator('tr.gone').filter({ hasText: deleted }).filter({ hasText: 'deleted' }).waitFor();
	assert.equal(await second.locator('.status').textContent(), 'done', 'its values are those of now');
	assert.ok(await second.evaluate((element) => element === document.activeElement), 'the focus stays on the row');
	assert.match(await alice.locator('#pending').textContent(), /2 no longer belong here/);
	await letGo(alice);
	await alice.locator('tr.astray, tr.gone').first().waitFor({ state: 'detached' });
	// A page nobody has touched shows what comes.
	const bob = await stand.open('bob');
	await letGo(bob);
	await stand.sql("INSERT INTO registration (reference, applicant) VALUES ('A-0001', 'first of all')", { actor: 'dora' });
	await until('it is the first row', async () => (await references(bob))[0] === 'A-0001');
	await bob.context().close();
});

test('the focused row keeps the focus when it is drawn anew and when it moves', async () => {
	await alice.goto(stand.url);
	const [reference] = (await stand.sql("SELECT reference FROM registration WHERE reference LIKE 'R-%' ORDER BY 1 LIMIT 1 OFFSET 5"))[0];
	await row(alice, reference).focus();
	const focused = () => row(alice, reference).evaluate((element) => element === document.activeElement);
	await stand.sql(`UPDATE registration SET applicant = 'drawn anew' WHERE reference = '${reference}'`, { actor: 'dora' });
	await sees(alice, reference, 'applicant', 'drawn anew');
	assert.ok(await focused());
	await alice.keyboard.press('u');
	await alice.locator('th[data-column=applicant] button').evaluate((button) => button.click());
	await stand.sql("INSERT INTO registration (reference, applicant) VALUES ('A-0002', 'AAA')", { actor: 'dora' });
	await row(alice, 'A-0002').or(alice.locator('#pending:visible')).first().waitFor();
	await alice.keyboard.press('u');
	await row(alice, 'A-0002').waitFor();
});

test('names of several people stand at the cells that each has changed, and rows keep their size', async () => {
	await alice.goto(stand.url);
	await row(alice, 'R-2026-00009').waitFor();
	const height = () => row(alice, 'R-2026-00009').evaluate((element) => element.getBoundingClientRect().height);
	const before = await height();
	await stand.sql("UPDATE registration SET amount = 1.5 WHERE reference = 'R-2026-00009'", { actor: 'dora' });
	await stand.sql("UPDATE registration SET applicant = 'Two & Co' WHERE reference = 'R-2026-00009'", { actor: 'Farid' });
	await stand.sql("UPDATE registration SET note = 'unseen here' WHERE reference = 'R-2026-00009'", { actor: 'erin' });
	for (const [column, actor] of [['amount', 'dora'], ['applicant', 'Farid'], ['reference', 'erin']]) {
		await row(alice, 'R-2026-00009').locator(`td[data-column=${column}][data-flash] .by`, { hasText: actor }).waitFor();
	}
	assert.equal(await height(), before);
});

test('"done" in one action is seen by all at once, and can be taken back', async () => {
	const bob = await stand.open('bob');
	const [[reference, was, version]] = await stand.sql("SELECT reference, status, row_version FROM registration WHERE status = 'in progress' AND reference LIKE 'R-%' ORDER BY 1 LIMIT 1");
	const counted = (page) => page.locator('#filters [data-status=done] .count').textContent();
	const before = Number(await counted(bob));
	await row(alice, reference).getByRole('checkbox').click();
	await row(bob, reference).and(bob.locator('[data-status=done]')).waitFor();
	assert.ok(await row(bob, reference).getByRole('checkbox').isChecked());
	await until('the count has followed', async () => Number(await counted(bob)) === before + 1);
	await alice.locator('#toast-action', { hasText: 'Undo' }).click();
	await sees(bob, reference, 'status', was);
	const [[now]] = await stand.sql(`SELECT row_version FROM registration WHERE reference = '${reference}'`);
	assert.equal(Number(now), Number(version) + 2, 'two versioned writes');
	await bob.context().close();
});

test('taking "done" back never overwrites what somebody did in between', async () => {
	const [[reference]] = await stand.sql("SELECT reference FROM registration WHERE status = 'open' AND reference LIKE 'R-%' ORDER BY 1 LIMIT 1");
	await row(alice, reference).getByRole('checkbox').click();
	await alice.locator('#toast', { hasText: `${reference} is done.` }).waitFor();
	await stand.sql(`UPDATE registration SET status = 'rejected' WHERE reference = '${reference}'`, { actor: 'dora' });
	await alice.locator('#toast-action').click();
	const conflict = alice.locator('#conflict');
	await conflict.locator('tr[data-field=status][data-by=both]').waitFor();
	assert.match(await conflict.textContent(), /dora saved/);
	await alice.locator('#take-theirs').click();
	const [[status]] = await stand.sql(`SELECT status FROM registration WHERE reference = '${reference}'`);
	assert.equal(status, 'rejected');
});

test('what others save is shown in the open record: untouched fields follow, touched ones show both values', async () => {
	await openRecord(alice, 'R-2026-00012');
	const version = Number(await alice.locator('aside .version').getAttribute('data-version'));
	await type(alice, 'note', 'mine');
	await stand.sql("UPDATE registration SET note = 'theirs', assigned_to = 'dora' WHERE reference = 'R-2026-00012'", { actor: 'dora' });
	await alice.locator('.field-note .note', { hasText: 'dora saved: theirs' }).waitFor();
	assert.equal(await alice.locator('aside [name=assigned_to]').inputValue(), 'dora');
	assert.equal(await alice.locator('aside [name=note]').inputValue(), 'mine');
	assert.match(await alice.locator('aside .message').textContent(), /^dora changed assigned to, note .*Your edit began with version \d+;/);
	await alice.getByRole('button', { name: 'use theirs: note' }).click();
	assert.equal(await alice.locator('aside [name=note]').inputValue(), 'theirs');
	await type(alice, 'email', 'new@example.org');
	await save(alice);
	await alice.locator('#conflict tr[data-field=email][data-by=mine]').waitFor();
	assert.equal(await alice.locator('#conflict tr[data-by=both]').count(), 0);
	await alice.locator('#apply-mine').click();
	assert.equal(await saved(alice), version + 2);
	await alice.locator('aside .close').click();
});

test('what was typed is not lost by mistake, and light and dark are remembered', async () => {
	await openRecord(alice, 'R-2026-00013');
	await type(alice, 'note', 'typed');
	await row(alice, 'R-2026-00014').click();
	await alice.locator('#confirm', { hasText: 'What you typed in this record is lost.' }).waitFor();
	await alice.locator('#confirm').getByRole('button', { name: 'Cancel' }).click();
	assert.equal(await alice.locator('aside [name=note]').inputValue(), 'typed');
	await alice.locator('aside .close').click();
	await alice.locator('#confirm-yes').click();
	const ground = () => alice.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const light = await ground();
	await alice.locator('#theme').click();
	const dark = await ground();
	assert.notEqual(dark, light);
	await alice.reload();
	await alice.locator('#records tbody tr').first().waitFor();
	assert.equal(await ground(), dark);
});

test('the page loads nothing from elsewhere, and its policy holds', async () => {
	const asked = [];
	const context = await stand.context();
	const page = await context.newPage();
	page.on('request', (request) => asked.push(new URL(request.url()).origin));
	const refused = [];
	page.on('console', (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
	await page.goto(stand.url);
	await page.locator('#name').waitFor();
	assert.deepEqual([...new Set(asked)], [new URL(stand.url).origin]);
	assert.deepEqual(refused, []);
	await page.evaluate(() => document.head.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.ran = true' })));
	assert.equal(await page.evaluate(() => globalThis.ran), undefined, 'a script in the page does not run');
	await context.close();
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

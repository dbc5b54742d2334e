import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Stand } from './harness.js';
import { agrees, closePanel, openRecord, save, saved, type } from './casework.js';

let stand;
let alice;
let bob;
before(async () => {
	stand = await Stand.start();
	alice = await stand.open('alice');
	bob = await stand.open('bob');
});
after(() => stand?.stop());

async function held(reference) {
	const [[status, assigned, note, version]] = await stand.sql(
		`SELECT status, coalesce(assigned_to, ''), coalesce(note, ''), row_version FROM registration WHERE reference = '${reference}'`,
	);
	return { status, assigned, note, version: Number(version) };
}

// Bob has the record open with an unsaved edit while alice saves hers.
async function collide(reference, bobs, alices) {
	await openRecord(bob, reference);
	for (const [field, value] of Object.entries(bobs)) {
		await type(bob, field, value);
	}
	await openRecord(alice, reference);
	for (const [field, value] of Object.entries(alices)) {
		await type(alice, field, value);
	}
	await save(alice);
	await saved(alice);
	await closePanel(alice);
	await bob.locator('aside .message', { hasText: 'Your edit began with version 1' }).filter({ hasText: 'alice' }).waitFor();
	await save(bob);
	await bob.locator('#conflict').waitFor();
}

test('a stale save is refused and explained, and mine can be applied to the new version', async () => {
	await collide('R-2026-00001', { note: 'bob was here' }, { assigned_to: 'erin' });
	const dialog = bob.locator('#conflict');
	const text = await dialog.textContent();
	assert.match(text, /alice saved R-2026-00001/);
	assert.match(text, /You began with version 1; it is now version 2/);
	assert.match(text, /You changed different fields, so both can stand/);
	assert.match(await dialog.locator('tr[data-field=assigned_to]').textContent(), /only they changed it.*erin/);
	assert.match(await dialog.locator('tr[data-field=note]').textContent(), /only you changed it.*bob was here/);
	assert.equal((await held('R-2026-00001')).version, 2, 'nothing was written');
	await bob.locator('#apply-mine').click();
	assert.equal(await saved(bob), 3);
	const { assigned, note, version } = await held('R-2026-00001');
	assert.deepEqual({ assigned, note, version }, { assigned: 'erin', note: 'bob was here', version: 3 });
	await closePanel(bob);
});

test('where both changed a field, the person chooses', async () => {
	await collide('R-2026-00002', { note: "bob's", assigned_to: 'bob' }, { note: "alice's" });
	const both = bob.locator('#conflict tr[data-field=note]');
	assert.equal(await both.getAttribute('data-by'), 'both');
	await both.locator('input[value=theirs]').check();
	await bob.locator('#apply-mine').click();
	assert.equal(await saved(bob), 3);
	const { assigned, note } = await held('R-2026-00002');
	assert.deepEqual({ assigned, note }, { assigned: 'bob', note: "alice's" });
	await closePanel(bob);
});

test('mine can be dropped for theirs', async () => {
	await collide('R-2026-00003', { note: 'mine' }, { note: 'theirs' });
	await bob.locator('#take-theirs').click();
	await bob.locator('aside .message', { hasText: 'Your changes were dropped' }).waitFor();
	assert.equal(await bob.locator('aside [name=note]').inputValue(), 'theirs');
	assert.equal((await held('R-2026-00003')).version, 2);
	await closePanel(bob);
});

test('one can go on editing, and is refused again for as long as the record has moved on', async () => {
	await collide('R-2026-00004', { note: 'mine' }, { note: 'theirs' });
	await bob.getByRole('button', { name: 'Keep editing' }).click();
	assert.equal(await bob.locator('aside [name=note]').inputValue(), 'mine');
	await save(bob);
	await bob.locator('#conflict').waitFor();
	await bob.locator('#apply-mine').click();
	assert.equal(await saved(bob), 3);
	assert.equal((await held('R-2026-00004')).note, 'mine');
	await closePanel(bob);
});

test('a second change while the dialog is open is a conflict of its own', async () => {
	await collide('R-2026-00006', { note: 'mine' }, { note: 'theirs' });
	await stand.sql("UPDATE registration SET note = 'third' WHERE reference = 'R-2026-00006'", { actor: 'carol' });
	await bob.locator('#apply-mine').click();
	await bob.locator('#conflict', { hasText: 'carol saved R-2026-00006' }).waitFor();
	await bob.locator('#apply-mine').click();
	assert.equal(await saved(bob), 4);
	await closePanel(bob);
});

test('a record that was deleted meanwhile cannot be saved, and the page says who deleted it', async () => {
	await openRecord(bob, 'R-2026-00007');
	await type(bob, 'note', 'too late');
	await stand.sql("DELETE FROM registration WHERE reference = 'R-2026-00007'", { actor: 'alice' });
	await bob.locator('aside .message', { hasText: 'This record was deleted by alice.' }).waitFor();
	await save(bob);
	await bob.locator('#conflict', { hasText: 'deleted R-2026-00007' }).waitFor();
	await bob.getByRole('button', { name: 'Close the record' }).click();
	await agrees(bob, stand);
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { ROOT, Stand } from './harness.js';
import { sees } from './casework.js';

let stand;
let alice;
let bob;
let beginning; // the position before anything was imported
before(async () => {
	stand = await Stand.start();
	[[beginning]] = await stand.sql('SELECT lockstep.position()');
	alice = await stand.open('alice');
	bob = await stand.open('bob');
});
after(() => stand?.stop());

function csv(...options) {
	return execFileSync(process.execPath, [join(ROOT, 'examples/casework/generate-csv.js'), ...options], { maxBuffer: 64 << 20 });
}

async function choose(page, buffer, name = 'registrations.csv') {
	await page.locator('#file').setInputFiles({ name, mimeType: 'text/csv', buffer });
	await page.locator('#import-dialog .progress').waitFor({ state: 'hidden' }); // checked
	return page.locator('#import-dialog');
}

async function imported(prefix) {
	const [[rows, transactions]] = await stand.sql(`
		SELECT (SELECT count(*) FROM registration WHERE reference LIKE '${prefix}%'),
			(SELECT count(DISTINCT xid) FROM lockstep.changes('${beginning}') WHERE row ->> 'reference' LIKE '${prefix}%')`);
	return { rows: Number(rows), transactions: Number(transactions) };
}

test('3,000 records are imported in one transaction and show in the other browser', async () => {
	const dialog = await choose(alice, csv('--rows', '3000', '--seed', '1'));
	await dialog.getByText('3,000 good lines').waitFor();
	assert.deepEqual(await imported('I-01-'), { rows: 0, transactions: 0 });
	await dialog.locator('#import-start').click();
	await dialog.waitFor({ state: 'detached' });
	await bob.locator('#summary', { hasText: '1–40 of 3,140 records' }).waitFor();
	await alice.locator('#summary', { hasText: '1–40 of 3,140 records' }).waitFor();
	assert.deepEqual(await imported('I-01-'), { rows: 3000, transactions: 1 });
	await bob.locator('.activity li', { hasText: 'alice added 3,000 records (import of registrations.csv)' }).waitFor();
	await bob.locator('#search').fill('I-01-03000');
	await sees(bob, 'I-01-03000', 'reference', 'I-01-03000');
	const [[note]] = await stand.sql("SELECT note FROM registration WHERE note LIKE '%send it%' AND reference LIKE 'I-01-%' LIMIT 1");
	assert.equal(note, 'Called back; "will send it", he said.', 'quotes and commas survive');
});

test('bad lines are listed with their line number and reason before anything is written', async () => {
	const dialog = await choose(alice, csv('--rows', '200', '--seed', '2', '--bad', '6'));
	await dialog.getByText('194 good lines, 6 with problems').waitFor();
	const problems = await dialog.locator('.bad-lines tbody tr').evaluateAll((rows) => rows.map((row) => [Number(row.cells[0].textContent), row.cells[1].textContent]));
	assert.equal(problems.length, 6);
	const said = problems.map(([, reason]) => reason).join('\n');
	for (const reason of [
		/^applicant is missing$/m,
		/^email must be an address such as name@example.org, not "nobody at nowhere"$/m,
		/^category must be one of .* not "spaceship"$/m,
		/^amount must be an amount such as 120.50, not "twelve"$/m,
		/^submitted must be a date such as 2026-11-20, not "2026-02-30"$/m,
		/^reference "I-02-00001" is also on line 2$/m,
	]) {
		assert.match(said, reason);
	}
	// The line numbers are those an editor shows: the first bad one is the second record, on line 3.
	assert.equal(problems[0][0], 3);
	assert.deepEqual(await imported('I-02-'), { rows: 0, transactions: 0 });
	await dialog.getByRole('button', { name: 'Import the 194 records without problems' }).click();
	await dialog.waitFor({ state: 'detached' });
	assert.deepEqual(await imported('I-02-'), { rows: 194, transactions: 1 });
});

test('an import that the database refuses leaves nothing behind', async () => {
	const dialog = await choose(alice, csv('--rows', '50', '--seed', '3'));
	// Somebody takes one of the references after the file was checked.
	await stand.sql("INSERT INTO registration (reference, applicant) VALUES ('I-03-00040', 'first')", { actor: 'carol' });
	await dialog.locator('#import-start').click();
	await dialog.locator('.message', { hasText: 'Nothing was imported. The database refused at line 51 (I-03-00040): There is a record with this reference already.' }).waitFor();
	assert.deepEqual(await imported('I-03-'), { rows: 1, transactions: 1 });
	await dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('a file that is not such a CSV is refused with the reason', async () => {
	const cases = [
		['', /The file is empty/],
		['reference,applicant,category,submitted,colour\n', /columns that do not exist: "colour"/],
		['reference,applicant\nX,Y\n', /lacks category, submitted/],
		['reference,applicant,category,submitted\n', /no records/],
		['reference,applicant,category,submitted\nX-1,Y\n', /has 2 cells where the header has 4/],
		['reference,applicant,category,submitted\nX-1,"Y,event,2026-01-01\nX-2,Z,event,2026-01-01\n', /a quote is not closed/],
	];
	for (const [text, reason] of cases) {
		const dialog = await choose(alice, Buffer.from(text));
		assert.match(await dialog.textContent(), reason);
		assert.ok(await dialog.locator('#import-start').isDisabled());
		await dialog.getByRole('button', { name: 'Cancel' }).click();
		await dialog.waitFor({ state: 'detached' });
	}
});

test('a file can be dropped on the page', async () => {
	const transfer = await bob.evaluateHandle((text) => {
		const data = new DataTransfer();
		data.items.add(new File([text], 'dropped.csv', { type: 'text/csv' }));
		return data;
	}, 'reference,applicant,category,submitted\nD-1,Dropped,event,2026-05-05\n');
	await bob.dispatchEvent('main', 'dragover', { dataTransfer: transfer });
	await bob.locator('#dropzone').waitFor();
	await bob.dispatchEvent('main', 'drop', { dataTransfer: transfer });
	await bob.locator('#import-dialog', { hasText: 'Import dropped.csv' }).waitFor();
	await bob.locator('#import-start').click();
	await alice.locator('#search').fill('D-1');
	await sees(alice, 'D-1', 'applicant', 'Dropped');
});

test('no page had an error', () => {
	assert.deepEqual(stand.problems, []);
});

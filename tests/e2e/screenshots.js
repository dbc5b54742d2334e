// The pictures of the demo in docs/images, taken from the real thing: a private cluster, the bridge, and Chromium, with
// other people at work. Started by scripts/screenshots.

import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, Stand, until } from './harness.js';
import { openRecord, row, save, saved, type } from './casework.js';

const IMAGES = join(ROOT, 'docs/images');
const LOOK = { viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'Europe/Berlin' };

const stand = await Stand.start();
try {
	await mkdir(IMAGES, { recursive: true });
	const alice = await stand.open('alice', { ...LOOK, colorScheme: 'light' });
	const night = await stand.open('emil', { ...LOOK, colorScheme: 'dark' });
	const bob = await stand.open('bob', LOOK);
	for (const page of [alice, night, bob]) {
		await page.mouse.move(2, 2); // nobody's hand is on the list
	}
	await work(bob, alice);
	await Promise.all([alice, night].map((page) => row(page, 'R-2026-00009').locator('.by').first().waitFor()));
	await shoot(alice, 'demo-light');
	await shoot(night, 'demo-dark');
	await conflict(bob, alice);
	await shoot(alice, 'demo-conflict');
	await alice.locator('#apply-mine').click();
	await saved(alice);
	await alice.locator('aside .close').click();
	await offline(alice);
	await shoot(alice, 'demo-offline');
	await stand.startBridge();
	await alice.locator('#refresh').click();
	await alice.locator('#unsaved').waitFor({ state: 'hidden' });
	await importing(alice);
	if (stand.problems.length > 0) {
		throw new Error(stand.problems.join('\n'));
	}
} finally {
	await stand.stop();
}

async function shoot(page, name) {
	await page.screenshot({ path: join(IMAGES, `${name}.png`) });
}

// Bob works in his browser, Dora and the nightly job in SQL.
async function work(bob, watcher) {
	for (const [reference, field, value] of [['R-2026-00005', 'assigned_to', 'bob'], ['R-2026-00011', 'note', 'Called back.']]) {
		await openRecord(bob, reference);
		await type(bob, field, value);
		await save(bob);
		await saved(bob);
	}
	await bob.locator('aside .close').click();
	await stand.sql("UPDATE registration SET amount = 2480.00 WHERE reference = 'R-2026-00009'", { actor: 'nightly job' });
	await row(bob, 'R-2026-00006').getByRole('checkbox').click();
	await stand.sql("UPDATE registration SET applicant = 'Jansen & Daughters' WHERE reference = 'R-2026-00009'", { actor: 'dora' });
	await stand.sql("UPDATE registration SET status = 'in progress', assigned_to = 'dora' WHERE reference = 'R-2026-00012'", { actor: 'dora' });
	await watcher.locator('.activity li').nth(5).waitFor();
}

async function conflict(bob, alice) {
	await openRecord(alice, 'R-2026-00017');
	await type(alice, 'note', 'Proof of address has come, complete.');
	await type(alice, 'amount', '3850.00');
	await openRecord(bob, 'R-2026-00017');
	await type(bob, 'note', 'Fee waived.');
	await type(bob, 'assigned_to', 'bob');
	await save(bob);
	await saved(bob);
	await alice.locator('aside .message', { hasText: 'Your edit began' }).waitFor();
	await save(alice);
	await alice.locator('#conflict').waitFor();
	await bob.locator('aside .close').click();
}

// The picture is taken while the import is written: its last rows wait for a lock that is held for the picture.
async function importing(page) {
	await stand.sql(`
		CREATE FUNCTION wait_for_picture() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NEW.reference LIKE '%-14000' THEN PERFORM pg_advisory_xact_lock(42); END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER picture BEFORE INSERT ON registration FOR EACH ROW EXECUTE FUNCTION wait_for_picture()`);
	const locks = async (granted) => Number((await stand.sql(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND granted = ${granted}`))[0][0]);
	const keeper = stand.sql('SELECT pg_advisory_lock(42), pg_sleep(600)').then(
		() => Promise.reject(new Error('the lock was given up')),
		(error) => {
			if (!/terminating connection/.test(error.message)) {
				throw error;
			}
		},
	);
	await until('the lock is held', async () => (await locks(true)) === 1);
	const csv = execFileSync(process.execPath, [join(ROOT, 'examples/casework/generate-csv.js'), '--rows', '20000', '--seed', '4', '--bad', '6'], { maxBuffer: 64 << 20 });
	await page.locator('#file').setInputFiles({ name: 'registrations.csv', mimeType: 'text/csv', buffer: csv });
	await page.locator('#import-start:enabled').click();
	await until('the import waits', async () => (await locks(false)) > 0);
	await page.locator('#import-stage', { hasText: /Writing, in one transaction: 1/ }).waitFor();
	await shoot(page, 'demo-import');
	await stand.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()");
	await keeper;
	await page.locator('#import-dialog').waitFor({ state: 'detached' });
}

async function offline(page) {
	await page.mouse.move(2, 2);
	await stand.killBridge('SIGKILL');
	await page.locator('#connection[data-state=offline]').waitFor();
	await row(page, 'R-2026-00004').getByRole('checkbox').click();
	await page.locator('#unsaved').waitFor();
	await page.locator('#notice', { hasText: 'waits to be sent' }).waitFor();
	await page.mouse.move(2, 2);
}

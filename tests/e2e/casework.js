// What a person does and sees in the demo, in the words of the page.

import { until } from './harness.js';

/** The table row of a record. */
export function row(page, reference) {
	return page.locator('#records tbody tr').filter({ has: page.locator(`td[data-column=reference] .value:text-is("${reference}")`) });
}

/** The text of a cell, without the name tag of who changed it. */
export function cellText(page, reference, column) {
	return row(page, reference).locator(`td[data-column=${column}] > :is(.value, .status)`).textContent();
}

/** Presses "refresh" where the page offers it: by now it may wait for long between attempts. */
export async function hurry(page) {
	await page.evaluate(() => document.querySelector('#notice:not([hidden]) #refresh')?.click());
}

/** Takes pointer and focus off the list, so that it follows what happens. */
export async function letGo(page) {
	await page.mouse.move(2, 2);
	await page.evaluate(() => document.activeElement.blur());
	await page.evaluate(() => document.querySelector('#pending:not([hidden])')?.click());
}

export function sees(page, reference, column, text) {
	return until(`${column} of ${reference} reads "${text}"`, async () => (await cellText(page, reference, column)) === text);
}

export async function openRecord(page, reference) {
	await row(page, reference).click();
	await page.locator(`aside h2:text-is("${reference}")`).waitFor();
}

export async function type(page, field, value) {
	const input = page.locator(`aside [name=${field}]`);
	if ((await input.evaluate((element) => element.tagName)) === 'SELECT') {
		await input.selectOption(value);
	} else {
		await input.fill(value);
	}
}

export function save(page) {
	return page.locator('aside button.primary').click();
}

/** Waits until the panel says that the record was saved, and returns the version it names. */
export async function saved(page) {
	const message = page.locator('aside .message', { hasText: 'Saved as version' });
	await message.waitFor();
	return Number(/version (\d+)/.exec(await message.textContent())[1]);
}

/** Closes the panel, whatever was typed in it. */
export async function closePanel(page) {
	await page.locator('aside .close').click();
	await until('the panel is closed', async () => {
		const question = page.locator('#confirm-yes');
		if ((await question.count()) > 0) {
			await question.click();
		}
		return (await page.locator('aside[data-mode=idle]').count()) === 1;
	});
}

// Every record that the page shows under the present filter, over all pages: reference → {column: text}.
async function everything(page) {
	await firstPage(page);
	const records = new Map();
	for (;;) {
		const part = await page.locator('#records tbody tr').evaluateAll((rows) =>
			rows.map((element) => [
				...[...element.cells].map((cell) => [
					cell.dataset.column,
					cell.querySelector(':scope > :is(.value, .status)')?.textContent,
				]),
				['version', element.dataset.version],
			]),
		);
		for (const cells of part) {
			const record = Object.fromEntries(cells);
			records.set(record.reference, record);
		}
		if (!(await page.locator('#next').isEnabled())) {
			await firstPage(page);
			return records;
		}
		await page.locator('#next').click();
		await settled(page);
	}
}

async function firstPage(page) {
	while (await page.locator('#previous').isEnabled()) {
		await page.locator('#previous').click();
		await settled(page);
	}
}

// The table is drawn once per frame.
function settled(page) {
	return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Waits until the page shows exactly what the database holds. */
export async function agrees(page, stand) {
	let shown;
	let held;
	try {
		await until('the page agrees with the database', async () => {
			const query = "SELECT reference, applicant, status, coalesce(assigned_to, ''), row_version FROM registration ORDER BY reference";
			held = (await stand.sql(query)).map((fields) => fields.join(' | '));
			const records = await everything(page);
			shown = [...records.values()].map((r) => [r.reference, r.applicant, r.status, r.assigned_to, r.version].join(' | ')).sort();
			return held.length === shown.length && [...held].sort().every((line, n) => line === shown[n]);
		});
	} catch (error) {
		const here = held.filter((line) => !shown.includes(line));
		const there = shown.filter((line) => !held.includes(line));
		throw new Error(`${error.message}\nonly in the database: ${here.join('\n')}\nonly on the page: ${there.join('\n')}`);
	}
}

export async function state(page, wanted) {
	await page.locator(`#connection[data-state=${wanted}]`).waitFor();
}

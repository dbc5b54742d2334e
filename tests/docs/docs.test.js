// Runs every example of every page. `DOCS=docs/sql.md,README.md` runs those pages only.

import { after, before, test } from 'node:test';
import { allPages } from './pages.js';
import { DocsStand } from './stand.js';
import { steps } from './story.js';

let stand;
before(async () => (stand = await DocsStand.start()));
after(() => stand?.stop());

const chosen = process.env.DOCS?.split(',');
for (const page of allPages().filter(({ path }) => chosen === undefined || chosen.includes(path))) {
	const story = steps(page);
	if (story.length === 0) {
		continue;
	}
	test(page.path, async (t) => {
		const runs = story.some(({ skip }) => skip === undefined);
		const scene = runs ? await stand.scene(page.path) : null;
		try {
			for (const step of story) {
				await t.test(`${page.path}:${step.line} ${step.title}`, { skip: step.skip }, () => run(step, scene));
			}
		} finally {
			await scene?.close();
		}
	});
}

// Where an example fails matters, not where the runner noticed.
async function run(step, scene) {
	try {
		await step.run(scene);
	} catch (error) {
		error.stack = `line ${step.line}: ${error.message}`;
		throw error;
	}
}

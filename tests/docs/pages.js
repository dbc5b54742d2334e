// Which files are pages of the docs: every Markdown file of the checkout.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePage } from './markdown.js';
import { ROOT } from '../harness/cluster.js';
import { checkoutFiles } from '../harness/tree.js';

/** [{path (in the checkout), text, items, prose}] */
export function allPages() {
	return checkoutFiles().filter((path) => path.endsWith('.md')).map((path) => {
		const text = readFileSync(join(ROOT, path), 'utf8');
		try {
			return { path, text, ...parsePage(text) };
		} catch (error) {
			throw new Error(`${path}: ${error.message}`);
		}
	});
}

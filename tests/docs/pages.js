// Which files are pages of the docs: every Markdown file of the checkout.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePage } from './markdown.js';
import { ROOT } from '../harness/cluster.js';

/** [{path (in the checkout), text, items, prose}] */
export function allPages() {
	const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: ROOT, encoding: 'utf8' });
	return list
		.split('\n')
		.filter((path) => path !== '' && existsSync(join(ROOT, path)))
		.sort()
		.map((path) => {
			const text = readFileSync(join(ROOT, path), 'utf8');
			try {
				return { path, text, ...parsePage(text) };
			} catch (error) {
				throw new Error(`${path}: ${error.message}`);
			}
		});
}

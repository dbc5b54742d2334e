// The files of the checkout, without what is built or installed into it. (It may be a copy without Git.)

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './cluster.js';

const NOT_OURS = new Set(['.git', '.demo', 'build', 'node_modules']);

/** Paths relative to the checkout, sorted; folders end with a slash. */
export function checkoutFiles(folder = '') {
	return readdirSync(join(ROOT, folder), { withFileTypes: true })
		.filter(({ name }) => !NOT_OURS.has(name))
		.flatMap((entry) => {
			const path = `${folder}${entry.name}`;
			return entry.isDirectory() ? [`${path}/`, ...checkoutFiles(`${path}/`)] : [path];
		})
		.sort();
}

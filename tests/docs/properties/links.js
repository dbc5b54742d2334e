// Links between pages lead somewhere.

import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { headings, links } from '../markdown.js';

/** `exists(path)`: is there such a file in the checkout? */
export function linkProblems(pages, exists) {
	const anchors = new Map(pages.map((page) => [page.path, new Set(headings(page).map(({ anchor }) => anchor))]));
	return pages.flatMap((page) =>
		links(page).flatMap(({ line, target }) => {
			if (/^[a-z]+:/.test(target)) {
				return [];
			}
			const [file, anchor] = target.split('#');
			const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
			if (!exists(path)) {
				return [`${page.path}:${line}: there is no ${path}`];
			}
			if (anchor !== undefined && !anchors.get(path)?.has(anchor)) {
				return [`${page.path}:${line}: ${path} has no heading #${anchor}`];
			}
			return [];
		}),
	);
}

/** Pages of docs/ that the index does not name. */
export function indexProblems(pages, index = 'docs/README.md') {
	const page = pages.find(({ path }) => path === index);
	const named = new Set(links(page ?? { prose: [] }).map(({ target }) => normalize(join('docs', target.split('#')[0]))));
	return pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && path !== index && !named.has(path)).map((path) => `${index} does not name ${path}`);
}

export function inCheckout(root) {
	return (path) => existsSync(join(root, path));
}

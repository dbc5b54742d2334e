// What pages say of the source tree: files and folders that are there, parts that depend on what the table of parts allows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeSpans } from '../markdown.js';
import { tablesHeaded } from './sections.js';

const ROOTS = ['bench', 'bridge', 'client', 'docs', 'examples', 'expected', 'extension', 'scripts', 'sql', 'tests'];

/** Paths in code spans that lead nowhere. A bare name of a source file may be in any folder. */
export function pathProblems(pages, tree) {
	const names = new Set([...tree].map((path) => path.split('/').at(-1)));
	return pages.flatMap(({ path: page, prose }) =>
		prose.flatMap(({ line, text }) =>
			codeSpans(text)
				.filter((span) => {
					if (/^[\w.-]+(\/[\w.-]+)+\/?$/.test(span) && ROOTS.includes(span.split('/')[0])) {
						return !tree.has(span) && !tree.has(`${span}/`);
					}
					return /^[\w/]+\.(cpp|hpp)$/.test(span) && !names.has(span.split('/').at(-1));
				})
				.map((span) => `${page}:${line}: there is no ${span}`),
		),
	);
}

/** Includes between the bridge's folders that the table of parts does not allow. */
export function dependencyProblems(pages, root, tree) {
	const rows = tablesHeaded(pages, 'folder').filter(({ page, head }) => page.path === 'docs/architecture.md' && head[2] === 'may depend on').flatMap((table) => table.rows);
	const allowed = new Map(rows.map(([folder, , on]) => [codeSpans(folder)[0], new Set(codeSpans(on).map((name) => name.replace('/', '')))]));
	const free = new Set(['base', 'settings']); // small tools, for all
	return [...tree].flatMap((file) => {
		const part = /^(bridge\/(\w+)\/)\w+\.(cpp|hpp)$/.exec(file);
		if (part === null || free.has(part[2])) {
			return [];
		}
		const includes = [...readFileSync(join(root, file), 'utf8').matchAll(/^#include "(\w+)\//gm)].map((match) => match[1]);
		return includes
			.filter((name) => name !== part[2] && !free.has(name) && !allowed.get(part[1])?.has(name))
			.map((name) => `docs/architecture.md does not let ${part[1]} depend on ${name}/, but ${file} does`);
	});
}

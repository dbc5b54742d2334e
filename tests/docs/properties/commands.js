// Commands that pages name, also where they are not run: make's targets, scripts.

import { execFileSync } from 'node:child_process';
import { codeSpans } from '../markdown.js';

/** `targets`: what make knows. */
export function makeProblems(pages, targets) {
	return pages.flatMap((page) => {
		const blocks = page.items.filter(({ type, kind }) => type === 'block' && ['sh', 'bash', 'indented'].includes(kind)).flatMap(({ text, line }) => text.split('\n').map((one) => ({ line, text: one })));
		const spans = page.prose.flatMap(({ line, text }) => codeSpans(text).filter((span) => span.startsWith('make ')).map((span) => ({ line, text: span })));
		return [...blocks, ...spans].flatMap(({ line, text }) =>
			[...text.replace(/#.*/, '').matchAll(/(?:^|[&;(]|sudo )\s*make ([a-z][a-z-]*)\b(?![=/])/g)]
				.filter(([, target]) => !targets.has(target))
				.map(([, target]) => `${page.path}:${line}: make knows no target "${target}"`),
		);
	});
}

/** The targets of the Makefile, PGXS's included. */
export function makeTargets(root) {
	const database = execFileSync('sh', ['-c', 'make -npq : 2>/dev/null || true'], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, env: { ...process.env, MAKEFLAGS: '' } });
	return new Set([...database.matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1]));
}

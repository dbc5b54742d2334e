// A page of the docs as a story: its examples in order, each with what the page says of it.
//
// steps(page) → [{title, line, skip?, run(scene)}]. A step that the page gets wrong (a block of an unknown kind, a directive that
// belongs to nothing) is a step that fails: nothing on a page is passed over.

import { parseDirective } from './directives.js';
import { complaint, mismatch } from './match.js';
import { kinds } from './kinds/index.js';
import { until } from '../harness/wait.js';

export function steps({ items }) {
	const result = [];
	let pending = {}; // directives for the next block
	let last; // the run whose output a plain block shows
	const fail = (line, message) => result.push({ title: message, line, run: () => Promise.reject(new Error(message)) });

	for (const item of items) {
		if (item.type === 'comment') {
			try {
				takeDirective(item);
			} catch (error) {
				fail(item.line, error.message.replace(/^line \d+: /, ''));
			}
		} else {
			takeBlock(item);
		}
	}
	if (pending.line !== undefined) {
		fail(pending.line, 'this directive is about a block that does not come');
	}
	return result;

	function takeDirective(item) {
		const directive = parseDirective(item);
		switch (directive.verb) {
			case 'skip':
			case 'as':
			case 'as kind':
			case 'output':
				pending = { ...pending, [directive.verb]: directive, line: directive.line };
				break;
			case 'run':
				last = addRun({ ...directive, hidden: true });
				break;
			case 'expect':
				addExpectation(directive);
		}
	}

	function takeBlock(block) {
		const { skip, as, output, 'as kind': forced } = pending;
		pending = {};
		const title = `${block.kind || 'output'}: ${block.text.trim().split('\n')[0].slice(0, 60)}`;
		if (skip !== undefined) {
			result.push({ title, line: block.line, skip: skip.reason, block });
			last = undefined;
			return;
		}
		const kind = forced?.kind ?? (block.kind === 'indented' ? 'sh' : block.kind);
		if (kind === '' || kind === 'text') {
			addOutput(block, output?.kind, title);
			return;
		}
		last = addRun({ kind, args: forced?.args ?? [], as: as?.name, text: block.text, line: block.line, title });
	}

	function addRun(about) {
		const kind = kinds[about.kind];
		if (kind === undefined) {
			fail(about.line, `no example is of the kind "${about.kind}"; see tests/docs/README.md`);
			return undefined;
		}
		const step = {
			title: about.title ?? `hidden ${about.kind}`,
			line: about.line,
			kind: about.kind,
			shown: false,
			async run(scene) {
				step.outcome = await kind(scene, about);
				// Where the page shows the output, that says how it ends.
				if (!step.shown) {
					const problem = step.outcome?.problem ?? complaint(step.outcome?.output() ?? '');
					if (problem) {
						throw new Error(problem);
					}
				}
			},
		};
		result.push(step);
		return step;
	}

	function addOutput(block, of, title) {
		const shown = of === undefined ? last : result.findLast((step) => step.kind === of);
		if (shown === undefined) {
			fail(block.line, 'this block has no kind, and follows no example whose output it could be');
			return;
		}
		if (of === undefined) {
			shown.shown = true;
			last = undefined;
		}
		result.push({
			title,
			line: block.line,
			async run(scene) {
				const { outcome } = shown;
				if (outcome === undefined) {
					throw new Error('the example before it did not run');
				}
				let problem = mismatch(block.text, outcome.output());
				if (problem && outcome.lasting) {
					// What a page or a socket prints may come a moment later.
					await until('the output came', () => (problem = mismatch(block.text, outcome.output())) === null, scene.patience).catch(() => {});
				}
				if (problem) {
					throw new Error(problem);
				}
				outcome.seen?.();
			},
		});
	}

	function addExpectation({ kind, text, line }) {
		const check = kinds[kind]?.expect;
		if (check === undefined) {
			fail(line, `nothing can be expected of the kind "${kind}"`);
			return;
		}
		result.push({ title: `expected: ${text.split('\n')[0].slice(0, 60)}`, line, run: (scene) => check(scene, text) });
	}
}

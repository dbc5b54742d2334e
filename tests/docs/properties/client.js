// docs/client.md against lockstep.d.ts: what a program can use is documented.

import { sections } from './sections.js';
import { codeSpans } from '../markdown.js';

const PAGE = 'docs/client.md';

/** Exported names and members of a .d.ts text: [{owner, name}]. */
export function membersOf(types) {
	const found = [];
	const bare = types.replaceAll(/\/\*\*[^]*?\*\//g, '');
	for (const [, name, body] of bare.matchAll(/^(?:export |declare )*(?:class|interface) (\w+)[^{]*\{\n([^]*?)^\}/gm)) {
		for (const [, member] of body.matchAll(/^\t(?:readonly )?(\w+)\??(?:<[^(]*>)?[(:]/gm)) {
			found.push({ owner: name, name: member });
		}
	}
	for (const [, name] of bare.matchAll(/^export (?:function|class|const) (\w+)/gm)) {
		found.push({ owner: '', name });
	}
	return found;
}

// Shapes that the page describes by example, and what is inherited from the language.
const SELF_EVIDENT = new Set(['constructor', 'text', 'toJSON', 'setTimeout', 'clearTimeout', 'now', 'document', 'window']);

export function clientProblems(pages, types) {
	const page = pages.find(({ path }) => path === PAGE);
	const members = membersOf(types).filter(({ name }) => !SELF_EVIDENT.has(name));
	const words = new Set(codeSpans(page.text.replaceAll(/```[^]*?```/g, '')).flatMap((span) => span.match(/\w+/g) ?? []));
	const missing = members.filter(({ name }) => !words.has(name)).map(({ owner, name }) => `${PAGE}: ${owner ? `${owner}.` : ''}${name} is not documented`);
	// And back: what a table of members or options names must be there.
	const real = new Set(members.map(({ name }) => name));
	const made = sections(page)
		.flatMap(({ tables }) => tables)
		.filter(({ head }) => ['member', 'option', 'method'].includes(head[0]))
		.flatMap(({ rows, line }) => rows.flatMap(([first]) => codeSpans(first).map((span) => ({ line, name: /(\w+)(?:\(.*)?$/.exec(span.replace(/^\w+\.(?=\w)/, ''))?.[1], span }))))
		.filter(({ name }) => !real.has(name))
		.map(({ line, span }) => `${PAGE}:${line}: there is no ${span} in lockstep.d.ts`);
	return [...missing, ...made];
}

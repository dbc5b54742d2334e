// Directives: HTML comments that tell the runner what a reader need not see. See README.md in this folder.

/**
 * Turns a comment into a directive, or throws. Results:
 *   {verb: 'skip', reason}                          of the next block
 *   {verb: 'as', name} {verb: 'as kind', kind, args}  of the next block
 *   {verb: 'output', kind}                          the next block shows what the last example of that kind prints
 *   {verb: 'run', kind, args, as, text}             a hidden block
 *   {verb: 'expect', kind, text}                    something that must become true
 *   {verb: 'note'}
 */
export function parseDirective({ text, line }) {
	const body = text.trim();
	const [, head, rest] = /^([^:\n]*?)\s*(?::\s*|\n|$)([^]*)$/.exec(body);
	const words = head.split(/\s+/);
	if (head === 'not run' && rest.trim() !== '') {
		return { verb: 'skip', reason: rest.trim().replaceAll(/\s+/g, ' '), line };
	}
	if (head === 'note') {
		return { verb: 'note', line };
	}
	if (head === 'output of' && /^\w+$/.test(rest.trim())) {
		return { verb: 'output', kind: rest.trim(), line };
	}
	if (words[0] === 'as' && words.length === 2 && rest === '') {
		return { verb: 'as', name: words[1], line };
	}
	if (words[0] === 'run' && words[1] === 'as' && words.length >= 3 && rest === '') {
		return { verb: 'as kind', kind: words[2], args: words.slice(3), line };
	}
	if (words[0] === 'run' && words.length >= 2) {
		const at = words.indexOf('as');
		return {
			verb: 'run',
			kind: words[1],
			args: words.slice(2, at === -1 ? undefined : at),
			as: at === -1 ? undefined : words[at + 1],
			text: rest,
			line,
		};
	}
	if (words[0] === 'expect' && words.length <= 2 && rest.trim() !== '') {
		return { verb: 'expect', kind: words[1] ?? 'js', text: rest.trim(), line };
	}
	throw new Error(`line ${line}: this comment is no directive that tests/docs/README.md knows: "${body.split('\n')[0]}"`);
}

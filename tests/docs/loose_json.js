// JSON as the docs write it: `…` stands for any value, or for more members or items; "<name>" for a value that comes again.

/**
 * Parses one value at `at`; returns {value, end}. Values: {any}, {members: Map, more}, {items, more}, {text} (a string),
 * {literal} (a number, true, false or null as written: no digit is lost).
 */
export function parseLoose(source, at = 0) {
	const blank = () => {
		while (/\s/.test(source[at] ?? '')) at += 1;
	};
	const fail = (what) => {
		throw new Error(`${what} at "${source.slice(at, at + 30)}"`);
	};
	const eat = (token) => {
		blank();
		if (!source.startsWith(token, at)) fail(`"${token}" is missing`);
		at += token.length;
	};
	const match = (pattern) => {
		const found = new RegExp(pattern, 'y');
		found.lastIndex = at;
		const [text] = found.exec(source) ?? fail('no value');
		at += text.length;
		return text;
	};
	const list = (close, one) => {
		let more = false;
		blank();
		while (source[at] !== close) {
			if (source[at] === '…') {
				more = true;
				at += 1;
			} else {
				one();
			}
			blank();
			if (source[at] === ',') {
				at += 1;
				blank();
			} else if (source[at] !== close) {
				fail(`"${close}" is missing`);
			}
		}
		at += 1;
		return more;
	};
	const value = () => {
		blank();
		switch (source[at]) {
			case '…':
				at += 1;
				return { any: true };
			case '{': {
				at += 1;
				const members = new Map();
				const more = list('}', () => {
					const name = JSON.parse(match('"(?:[^"\\\\]|\\\\.)*"'));
					eat(':');
					members.set(name, value());
				});
				return { members, more };
			}
			case '[': {
				at += 1;
				const items = [];
				const more = list(']', () => items.push(value()));
				return { items, more };
			}
			case '"':
				return { text: JSON.parse(match('"(?:[^"\\\\]|\\\\.)*"')) };
			default:
				return { literal: match('true|false|null|-?[0-9][0-9.eE+-]*') };
		}
	};
	return { value: value(), end: at };
}

const NAME = /^<[^<>]+>$/;

/** What is wrong with `actual` (both as parseLoose gives them), or null. Binds names that are met for the first time. */
export function difference(expected, actual, bindings, path = '') {
	const wrong = (what) => `${path || 'the message'} ${what}`;
	if (expected.any) {
		return null;
	}
	if (expected.text !== undefined && NAME.test(expected.text)) {
		const known = bindings.get(expected.text);
		if (known === undefined) {
			bindings.set(expected.text, actual);
			return null;
		}
		return render(known) === render(actual) ? null : wrong(`is ${render(actual)}, not ${render(known)} (${expected.text})`);
	}
	if (expected.members) {
		if (!actual.members) {
			return wrong('is no object');
		}
		for (const [name, value] of expected.members) {
			if (!actual.members.has(name)) {
				return wrong(`has no "${name}"`);
			}
			const found = difference(value, actual.members.get(name), bindings, `${path}.${name}`);
			if (found) {
				return found;
			}
		}
		const extra = [...actual.members.keys()].find((name) => !expected.members.has(name));
		return extra === undefined || expected.more ? null : wrong(`also has "${extra}"`);
	}
	if (expected.items) {
		if (!actual.items || actual.items.length < expected.items.length || (!expected.more && actual.items.length > expected.items.length)) {
			return wrong(`is no array of ${expected.items.length}`);
		}
		return expected.items.map((item, i) => difference(item, actual.items[i], bindings, `${path}[${i}]`)).find((one) => one) ?? null;
	}
	if (expected.text?.includes('…') && actual.text !== undefined) {
		const parts = expected.text.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
		return new RegExp(`^${parts.join('[^]*')}$`).test(actual.text) ? null : wrong(`is ${render(actual)}`);
	}
	return render(expected) === render(actual) ? null : wrong(`is ${render(actual)}, not ${render(expected)}`);
}

/** JSON text; bound names are replaced, unbound ones are given a value by `make`. */
export function render(value, bindings = new Map(), make = () => undefined) {
	const go = (one) => render(one, bindings, make);
	if (value.members) {
		return `{${[...value.members].map(([name, member]) => `${JSON.stringify(name)}:${go(member)}`).join(',')}}`;
	}
	if (value.items) {
		return `[${value.items.map(go).join(',')}]`;
	}
	if (value.text !== undefined && NAME.test(value.text)) {
		if (!bindings.has(value.text)) {
			bindings.set(value.text, make(value.text) ?? { text: value.text });
		}
		return plain(bindings.get(value.text));
	}
	return plain(value);
}

function plain(value) {
	if (value.any) {
		return '"…"';
	}
	return value.text === undefined ? (value.literal ?? render(value)) : JSON.stringify(value.text);
}

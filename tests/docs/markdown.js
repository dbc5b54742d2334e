// Reads a page of the docs: its code blocks and directives in order, its headings, links and tables.
//
// Only what these pages use of Markdown: fences, indented blocks, ATX headings, inline links, pipe tables, HTML comments.

const FENCE = /^(\s*)(`{3,}|~{3,})\s*(\S*)\s*$/;

/**
 * Parses `text`.
 * items: {type: 'block', kind, text, line, indented} and {type: 'comment', text, line}, in order; `kind` is the fence's
 * language, or '' for a plain fence, or 'indented'. prose: the page without blocks and comments, as {line, text} per line.
 */
export function parsePage(text) {
	const lines = text.split('\n');
	const items = [];
	const prose = [];
	let inList = false;
	for (let i = 0; i < lines.length; ) {
		const fence = FENCE.exec(lines[i]);
		if (fence) {
			i = readFence(lines, i, fence, items);
		} else if (/^\s*<!--/.test(lines[i])) {
			i = readComment(lines, i, items);
		} else if (/^ {4}\S/.test(lines[i]) && !inList && (blank(lines[i - 1]) || lines[i - 1].endsWith('-->'))) {
			i = readIndented(lines, i, items);
		} else {
			// A list goes on over blank lines until a line at the margin that is no item.
			if (/^\s*([-*+]|\d+\.)\s/.test(lines[i])) {
				inList = true;
			} else if (/^\S/.test(lines[i])) {
				inList = inList && !blank(lines[i - 1]);
			}
			prose.push({ line: i + 1, text: lines[i] });
			i += 1;
		}
	}
	return { items, prose };
}

function blank(line) {
	return line === undefined || line.trim() === '';
}

function readFence(lines, start, [, indent, fence, kind], items) {
	const end = lines.findIndex((line, i) => i > start && line.trim().startsWith(fence) && line.trim().replaceAll(fence[0], '') === '');
	if (end === -1) {
		throw new Error(`line ${start + 1}: the code block has no end`);
	}
	const body = lines.slice(start + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
	items.push({ type: 'block', kind, text: body.join('\n'), line: start + 1 });
	return end + 1;
}

function readComment(lines, start, items) {
	const end = lines.findIndex((line, i) => i >= start && line.includes('-->'));
	if (end === -1) {
		throw new Error(`line ${start + 1}: the comment has no end`);
	}
	const whole = lines.slice(start, end + 1).join('\n').trim();
	if (!whole.endsWith('-->')) {
		throw new Error(`line ${end + 1}: a comment stands on lines of its own`);
	}
	items.push({ type: 'comment', text: whole.slice(4, -3), line: start + 1 });
	return end + 1;
}

function readIndented(lines, start, items) {
	let end = start;
	for (let i = start; i < lines.length && (blank(lines[i]) || /^ {4}/.test(lines[i])); i++) {
		if (!blank(lines[i])) {
			end = i + 1;
		}
	}
	const body = lines.slice(start, end).map((line) => line.slice(4));
	items.push({ type: 'block', kind: 'indented', text: body.join('\n'), line: start + 1 });
	return end;
}

/** Headings with the anchors that GitHub gives them. */
export function headings({ prose }) {
	const seen = new Map();
	return prose.flatMap(({ line, text }) => {
		const match = /^(#{1,6})\s+(.*?)\s*#*$/.exec(text);
		if (!match) {
			return [];
		}
		const title = match[2].replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
		const plain = title.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '').replaceAll(/\s/g, '-');
		const count = seen.get(plain) ?? 0;
		seen.set(plain, count + 1);
		return [{ line, level: match[1].length, title, anchor: count === 0 ? plain : `${plain}-${count}` }];
	});
}

/** Targets of links and images, in Markdown and in HTML. */
export function links({ prose }) {
	return prose.flatMap(({ line, text }) => {
		const spoken = text.replaceAll(/`[^`]*`/g, '``');
		return [...spoken.matchAll(/\]\(\s*<?([^)>\s]+)>?(?:\s+"[^"]*")?\s*\)|\b(?:href|src|srcset)="([^"]+)"/g)].map((match) => ({
			line,
			target: match[1] ?? match[2],
		}));
	});
}

/** Tables: {line, head, rows}, each row an array of the cells' text. */
export function tables({ prose }) {
	const found = [];
	for (let i = 0; i + 1 < prose.length; i++) {
		if (!isRow(prose[i]) || !/^\|?[\s:|-]+\|?$/.test(prose[i + 1].text) || !prose[i + 1].text.includes('-')) {
			continue;
		}
		const table = { line: prose[i].line, head: cells(prose[i].text), rows: [] };
		for (i += 2; i < prose.length && isRow(prose[i]); i++) {
			table.rows.push(cells(prose[i].text));
		}
		found.push(table);
	}
	return found;
}

function isRow({ text }) {
	return text.trimStart().startsWith('|');
}

function cells(text) {
	return text.trim().replace(/^\|/, '').replace(/\|$/, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** What stands in backquotes in a text. */
export function codeSpans(text) {
	return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
}

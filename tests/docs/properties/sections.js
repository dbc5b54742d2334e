// Finds things on pages.

import { codeSpans, headings, tables } from '../markdown.js';

/** The part of a page under a heading, down to the next one of any level: {page, title, line, prose, items, tables}. */
export function sections(page) {
	const found = headings(page);
	return found.map(({ title, line, level }, i) => {
		const end = found[i + 1]?.line ?? Infinity;
		const inside = (thing) => thing.line > line && thing.line < end;
		const prose = page.prose.filter(inside);
		return { page, title, line, level, prose, items: page.items.filter(inside), tables: tables({ prose }) };
	});
}

/** The tables of all pages whose first head is `head`: [{page, line, rows}]. */
export function tablesHeaded(pages, head) {
	return pages.flatMap((page) => tables(page).filter((table) => table.head[0] === head).map((table) => ({ page, ...table })));
}

/** The names in a table's first column, one for each code span, with the row's other cells. */
export function namedRows(table) {
	return table.rows.flatMap(([first, ...rest]) => codeSpans(first).map((name) => ({ name, cells: rest })));
}

// Figures as people read them, and tables of them: aligned for a terminal, or Markdown.

/** A number with about three digits: 12,300, 12.3, 0.012; whole numbers below a thousand as they are. */
export function figure(value) {
	if (Number.isInteger(value) && Math.abs(value) < 1000) {
		return String(value);
	}
	const size = Math.floor(Math.log10(Math.abs(value)));
	if (size > 2) {
		const step = 10 ** (size - 2);
		return (Math.round(value / step) * step).toLocaleString('en-US');
	}
	return value.toFixed(Math.min(2 - size, 4));
}

/** "12.3 (11.9–13.0)" of {median, min, max}; without the spread where it shows none. */
export function spread({ median, min, max }, show = figure) {
	const [middle, low, high] = [median, min, max].map(show);
	return low === high ? middle : `${middle} (${low}–${high})`;
}

/** A ratio: two decimals. */
export const share = (value) => value.toFixed(2);

/** `columns`: titles; `rows`: arrays of text. The first column is aligned to the left, the others to the right. */
export function textTable(columns, rows) {
	const widths = columns.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
	const line = (cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd();
	return [line(columns), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

export function markdownTable(columns, rows) {
	const line = (cells) => `| ${cells.join(' | ')} |`;
	return [line(columns), `|${columns.map((_, i) => (i === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n');
}

// Compares an example's output with what really comes out.
//
// `…` stands for anything within a line, and alone on a line for any lines. Widths of columns are not compared, nor blanks
// at the end of lines. A line that goes on below a DETAIL, HINT or ERROR with ten blanks belongs to it. Command tags ("INSERT 0 1"),
// "(1 row)" and the CONTEXT of errors may be left out, but then all of them.

const TAG = /^(INSERT \d+ \d+|(SELECT|UPDATE|DELETE|MERGE|COPY) \d+|(CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|COMMENT|SET|RESET|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|LISTEN|UNLISTEN|LOCK|DO|PREPARE|NOTIFY)( [A-Z ]+)?)$/;
const CONTEXT = /^(CONTEXT: |PL\/pgSQL function .* line \d+ at |SQL statement "|SQL function ".*" statement )/;
const FOOTER = /^\(\d+ rows?\)$/;

/** Null where `actual` is what `expected` says, else a text that shows both. */
export function mismatch(expected, actual) {
	const wanted = tidy(expected);
	let given = tidy(actual);
	if (!wanted.some((line) => line.startsWith('CONTEXT:'))) {
		given = given.filter((line) => !CONTEXT.test(line));
	}
	for (const optional of [TAG, FOOTER]) {
		if (!wanted.some((line) => optional.test(line))) {
			given = given.filter((line) => !optional.test(line));
		}
	}
	if (pattern(wanted).test(given.map((line) => `${line}\n`).join(''))) {
		return null;
	}
	return `expected\n${quote(expected)}\nbut it is\n${quote(actual)}`;
}

function tidy(text) {
	const lines = [];
	for (const line of text.split('\n')) {
		const before = lines.at(-1);
		if (/^ {10}/.test(line) && before !== undefined && /^(psql:.*)?(ERROR|DETAIL|HINT|WARNING|NOTICE|CONTEXT): /.test(before)) {
			lines[lines.length - 1] = `${before} ${line.trim()}`;
		} else {
			lines.push(line.trimEnd());
		}
	}
	return lines.map((line) => line.replaceAll(/-{2,}/g, '-').replaceAll(/\s+/g, ' ')).filter((line) => line !== '');
}

function pattern(lines) {
	const parts = lines.map((line) => (line.trim() === '…' ? '(?:[^\\n]*\\n)*?' : `${wildcard(line)}\\n`));
	return new RegExp(`^${parts.join('')}$`);
}

function wildcard(text) {
	return text.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('[^\\n]*?');
}

function quote(text) {
	return text.trimEnd().split('\n').map((line) => `    ${line}`).join('\n');
}

/** The problem of an output that nothing was said about: it must hold no error and no warning. */
export function complaint(output) {
	const found = output.split('\n').find((line) => /^(psql:[^ ]* )?(ERROR|FATAL|PANIC|WARNING): |^invalid command |^\\\w+: /.test(line));
	return found === undefined ? null : `it was to succeed, but it says\n${quote(output)}`;
}

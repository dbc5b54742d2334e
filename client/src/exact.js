// JSON whose numbers survive. PostgreSQL sends bigint and numeric as JSON numbers in full precision; JSON.parse would
// round them to doubles. parse() returns
//   number       whenever a double holds the value (every integer up to 2^53 - 1, every decimal of up to 15 digits)
//   bigint       for larger integers
//   ExactNumber  for decimals that a double would change
// and stringify() writes all three back digit by digit.

/** A decimal number that no double can hold; it keeps its text. Calculate with a decimal library, or show it as it is. */
export class ExactNumber {
	constructor(text) {
		if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) {
			throw new TypeError(`invalid number: "${text}"`);
		}
		this.text = text;
		Object.freeze(this);
	}

	toString() {
		return this.text;
	}

	/** The nearest double, for sorting and charts. */
	valueOf() {
		return Number(this.text);
	}

	/** Raw digits where the engine has JSON.rawJSON, else a string (which PostgreSQL takes as well). */
	toJSON() {
		return typeof JSON.rawJSON === 'function' ? JSON.rawJSON(this.text) : this.text;
	}
}

// A number of 16 characters or more, or one with an exponent, where a value may begin. Text inside strings can match
// too, which only costs time; positions ("p1-7345…") do not.
const MAYBE_INEXACT = /[:,[]\s*-?\d(?:[\d.]{15}|[\d.]*[eE])/;

export function parse(text) {
	return MAYBE_INEXACT.test(text) || /^\s*-?\d/.test(text) ? new Reader(text).document() : JSON.parse(text);
}

/** The value of one JSON number token. */
export function numberFrom(token) {
	const number = Number(token);
	if (/^-?\d+$/.test(token)) {
		return Number.isSafeInteger(number) ? number : BigInt(token);
	}
	return Number.isFinite(number) && sameDecimal(token, String(number)) ? number : new ExactNumber(token);
}

// Whether two decimal texts denote the same number.
function sameDecimal(left, right) {
	const a = scientific(left);
	const b = scientific(right);
	return a.digits === b.digits && (a.digits === '' || (a.negative === b.negative && a.exponent === b.exponent));
}

function scientific(text) {
	const [, sign, whole, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
	const significant = (whole + fraction).replace(/^0+/, '');
	const digits = significant.replace(/0+$/, '');
	return {
		negative: sign === '-',
		digits,
		exponent: Number(power) - fraction.length + (significant.length - digits.length),
	};
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const SPACE = /[ \t\n\r]*/y;

// Recursive descent over one JSON text. Strings go through JSON.parse, which knows the escapes.
class Reader {
	constructor(text) {
		this.text = text;
		this.at = 0;
	}

	document() {
		const value = this.value();
		this.space();
		if (this.at < this.text.length) {
			this.fail();
		}
		return value;
	}

	value() {
		this.space();
		switch (this.text[this.at]) {
			case '{':
				return this.object();
			case '[':
				return this.array();
			case '"':
				return this.string();
			case 't':
				return this.word('true', true);
			case 'f':
				return this.word('false', false);
			case 'n':
				return this.word('null', null);
			default:
				return numberFrom(this.token(NUMBER));
		}
	}

	object() {
		const result = {};
		this.at++;
		if (this.follows('}')) {
			return result;
		}
		do {
			this.space();
			const name = this.string();
			this.expect(':');
			const value = this.value();
			if (name === '__proto__') {
				Object.defineProperty(result, name, { value, writable: true, enumerable: true, configurable: true });
			} else {
				result[name] = value;
			}
		} while (this.follows(','));
		this.expect('}');
		return result;
	}

	array() {
		const result = [];
		this.at++;
		if (this.follows(']')) {
			return result;
		}
		do {
			result.push(this.value());
		} while (this.follows(','));
		this.expect(']');
		return result;
	}

	string() {
		return JSON.parse(this.token(STRING));
	}

	word(text, value) {
		if (!this.text.startsWith(text, this.at)) {
			this.fail();
		}
		this.at += text.length;
		return value;
	}

	token(pattern) {
		pattern.lastIndex = this.at;
		const match = pattern.exec(this.text);
		if (match === null) {
			this.fail();
		}
		this.at = pattern.lastIndex;
		return match[0];
	}

	follows(character) {
		this.space();
		if (this.text[this.at] !== character) {
			return false;
		}
		this.at++;
		return true;
	}

	expect(character) {
		if (!this.follows(character)) {
			this.fail();
		}
	}

	space() {
		SPACE.lastIndex = this.at;
		SPACE.exec(this.text);
		this.at = SPACE.lastIndex;
	}

	fail() {
		const found = this.at < this.text.length ? `"${this.text[this.at]}"` : 'end of text';
		throw new SyntaxError(`unexpected ${found} in JSON at position ${this.at}`);
	}
}

/**
 * JSON text of a value, with bigint and ExactNumber digit by digit. NaN and the infinities become the strings that
 * PostgreSQL reads as such; an invalid Date is refused (JSON.stringify would write both as null, that is: NULL).
 */
export function stringify(value) {
	const text = write(value);
	return text === undefined ? 'null' : text;
}

function write(value) {
	if (typeof value === 'bigint') {
		return value.toString();
	}
	if (typeof value === 'number' && !Number.isFinite(value)) {
		return `"${value}"`;
	}
	if (value === null || typeof value !== 'object') {
		return JSON.stringify(value);
	}
	if (value instanceof ExactNumber) {
		return value.text;
	}
	if (value instanceof Date && Number.isNaN(value.getTime())) {
		throw new TypeError('invalid date');
	}
	if (typeof value.toJSON === 'function') {
		return write(value.toJSON());
	}
	if (Array.isArray(value)) {
		return `[${value.map((item) => write(item) ?? 'null').join(',')}]`;
	}
	const fields = [];
	for (const [name, field] of Object.entries(value)) {
		const text = write(field);
		if (text !== undefined) {
			fields.push(`${JSON.stringify(name)}:${text}`);
		}
	}
	return `{${fields.join(',')}}`;
}

/** Whether two values from parse() are equal, objects by content whatever the order of their fields. */
export function same(a, b) {
	if (Object.is(a, b) || a === b) {
		return true;
	}
	if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') {
		return false;
	}
	if (a instanceof ExactNumber || b instanceof ExactNumber) {
		return a instanceof ExactNumber && b instanceof ExactNumber && a.text === b.text;
	}
	if (Array.isArray(a) !== Array.isArray(b)) {
		return false;
	}
	const names = Object.keys(a);
	return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
}

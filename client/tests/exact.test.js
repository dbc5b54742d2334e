import assert from 'node:assert/strict';
import test from 'node:test';
import { ExactNumber, numberFrom, parse, same, stringify } from '../src/exact.js';
import { seeded } from './fakes/clock.js';

test('integers that a double holds are numbers, larger ones are bigint', () => {
	assert.equal(numberFrom('42'), 42);
	assert.equal(numberFrom('9007199254740991'), 9007199254740991);
	assert.equal(numberFrom('9007199254740992'), 9007199254740992n);
	assert.equal(numberFrom('-9223372036854775808'), -9223372036854775808n);
});

test('decimals that a double holds are numbers, others keep every digit', () => {
	assert.equal(numberFrom('120.50'), 120.5);
	assert.equal(numberFrom('0.30000000000000004'), 0.30000000000000004);
	assert.equal(numberFrom('0.0000001'), 1e-7);
	assert.equal(numberFrom('0.00'), 0);
	const exact = numberFrom('12345678901234567.89');
	assert.ok(exact instanceof ExactNumber);
	assert.equal(`${exact}`, '12345678901234567.89');
	assert.equal(Number(exact), 12345678901234568);
	assert.ok(numberFrom('1e400') instanceof ExactNumber);
	assert.ok(numberFrom('1e-400') instanceof ExactNumber);
});

test('a message with large numbers is parsed exactly, in objects, arrays and beside strings', () => {
	const text = ' {"a":9007199254740993,"b":[1, -9223372036854775807 ,0.12345678901234567891],"c":"x\\"\\u00e9:12345678901234567890","d":{},"e":[],"f":null,"g":true,"h":false} ';
	const value = parse(text);
	assert.equal(value.a, 9007199254740993n);
	assert.deepEqual(value.b.slice(0, 2), [1, -9223372036854775807n]);
	assert.equal(value.b[2].text, '0.12345678901234567891');
	assert.equal(value.c, 'x"é:12345678901234567890');
	assert.deepEqual([value.d, value.e, value.f, value.g, value.h], [{}, [], null, true, false]);
});

test('what was parsed is written back digit by digit', () => {
	const text = '{"a":9007199254740993,"b":[12345678901234567.89,null,"x"],"c":{"d":0.1}}';
	assert.equal(stringify(parse(text)), text);
});

test('a column called __proto__ is a column', () => {
	const value = parse('{"__proto__":9007199254740993,"n":1}');
	assert.equal(Object.getPrototypeOf(value), Object.prototype);
	assert.ok(Object.hasOwn(value, '__proto__'));
	assert.equal(stringify(value), '{"__proto__":9007199254740993,"n":1}');
});

test('malformed JSON is refused wherever it breaks', () => {
	const whole = '{"a":9007199254740993,"b":[true,"x",{"c":1.5e3}]}';
	for (let length = 0; length < whole.length; length++) {
		assert.throws(() => parse(whole.slice(0, length)), SyntaxError, whole.slice(0, length));
	}
	for (const text of ['[9007199254740993,]', '{"a":9007199254740993,}', '[9007199254740993 1]', '[09007199254740993]', '[9007199254740993]x']) {
		assert.throws(() => parse(text), SyntaxError, text);
	}
});

test('parse agrees with JSON.parse on random documents without large numbers', () => {
	const seed = Number(process.env.LOCKSTEP_SEED ?? Date.now() % 1e9);
	const random = seeded(seed);
	const pick = (list) => list[Math.floor(random() * list.length)];
	const value = (depth) => {
		const kind = Math.floor(random() * (depth > 0 ? 7 : 5));
		switch (kind) {
			case 0:
				return pick([0, -1, 3.25, 1e21, 1e-9, 123456789012345, -0.5]);
			case 1:
				return pick(['', 'a"b\\c', '\u0000\u2028é', ':1234567890123456', 'true']);
			case 2:
				return true;
			case 3:
				return null;
			case 4:
				return false;
			case 5:
				return Array.from({ length: Math.floor(random() * 4) }, () => value(depth - 1));
			default:
				return Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, (_, n) => [pick(['a', 'b', 'é"']) + n, value(depth - 1)]));
		}
	};
	for (let round = 0; round < 2000; round++) {
		const document = value(4);
		// A large number at the front sends the rest through the exact reader.
		const text = `[9007199254740993,${JSON.stringify(document)}]`;
		const [, got] = parse(text);
		const want = parse(JSON.stringify(document));
		assert.ok(same(normal(got), normal(want)), `seed ${seed}: ${text}`);
	}
});

// 1e21 is an integer text to the exact reader only when written with digits; JSON.stringify writes an exponent.
function normal(value) {
	return JSON.parse(JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item)));
}

test('NaN and infinities are written as the strings PostgreSQL reads, never as null', () => {
	assert.equal(stringify({ a: NaN, b: -Infinity, c: undefined, d: [undefined] }), '{"a":"NaN","b":"-Infinity","d":[null]}');
	assert.equal(stringify(new Date(0)), '"1970-01-01T00:00:00.000Z"');
	assert.throws(() => stringify({ when: new Date('nonsense') }), /invalid date/);
});

test('an exact number must be a number', () => {
	assert.throws(() => new ExactNumber('12x'), /invalid number: "12x"/);
	assert.equal(stringify([new ExactNumber('0.10')]), '[0.10]');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figure, markdownTable, spread, textTable } from '../lib/table.js';

test('figures show three digits, and no more certainty than that', () => {
	for (const [value, text] of [[0, '0'], [7, '7'], [100, '100'], [1234567, '1,230,000'], [1234, '1,230'], [123.4, '123'], [12.34, '12.3'], [1.234, '1.23'], [0.05678, '0.0568'], [0.000012, '0.0000']]) {
		assert.equal(figure(value), text);
	}
});

test('a spread is left out where it shows nothing', () => {
	assert.equal(spread({ median: 12.34, min: 11.1, max: 15.5 }), '12.3 (11.1–15.5)');
	assert.equal(spread({ median: 2, min: 2, max: 2 }), '2');
});

test('tables are aligned, and Markdown is Markdown', () => {
	assert.equal(textTable(['', 'rate'], [['plain', '1'], ['x', '1,000']]), '        rate\n-----  -----\nplain      1\nx      1,000');
	assert.equal(markdownTable(['', 'rate'], [['plain', '1']]), '|  | rate |\n|---|--:|\n| plain | 1 |');
});

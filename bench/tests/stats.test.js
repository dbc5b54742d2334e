import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Series } from '../lib/series.js';
import { median, ratio, rounded, summary, turns } from '../lib/stats.js';

test('the median is the middle value, or the mean of the two', () => {
	assert.equal(median([3, 1, 2]), 2);
	assert.equal(median([10, 9, 1, 2]), 5.5);
	assert.equal(median([100, 20, 3]), 20); // by size, not as text
	assert.equal(median([7]), 7);
});

test('there is no median of nothing, nor of what is no number', () => {
	for (const values of [[], [1, NaN], [1, undefined], ['1'], [Infinity]]) {
		assert.throws(() => median(values), /not a list of numbers/);
	}
});

test('a ratio is taken within each repetition', () => {
	// The second repetition ran on a machine that was three times as busy.
	assert.deepEqual(ratio([50, 20, 60], [100, 33, 100]), { median: 0.6, min: 0.5, max: 20 / 33 });
	assert.throws(() => ratio([1, 2], [1]), /cannot be set against/);
	assert.throws(() => ratio([1], [0]), /ratio to zero/);
});

test('each variant takes each turn', () => {
	const items = ['a', 'b', 'c', 'd'];
	const firsts = new Set();
	for (let number = 0; number < 8; number += 1) {
		const order = turns(items, number);
		assert.deepEqual([...order].sort(), items);
		firsts.add(order[0]);
	}
	assert.deepEqual([...firsts].sort(), items);
	assert.deepEqual(items, ['a', 'b', 'c', 'd']);
});

test('rounding keeps significant digits at any depth, and whole numbers', () => {
	assert.deepEqual(rounded({ a: [123456.789, 0.000123456], b: { c: 123456, d: 'x', e: null } }), {
		a: [123500, 0.0001235],
		b: { c: 123456, d: 'x', e: null },
	});
});

test('a series sums up by key, and sets each against its counterpart', () => {
	const series = new Series();
	for (const [plain, tracked] of [[100, 50], [200, 120], [10, 6]]) {
		series.add({ operation: 'update', variant: 'plain' }, { rate: plain });
		series.add({ operation: 'update', variant: 'tracked' }, { rate: tracked });
	}
	assert.deepEqual(series.rows({ figure: 'rate', variant: 'plain' })[1], {
		operation: 'update',
		variant: 'tracked',
		repetitions: 3,
		rate: summary([50, 120, 6]),
		ratio: { median: 0.6, min: 0.5, max: 0.6 },
	});
});

test('a series refuses repetitions with different figures', () => {
	const series = new Series();
	series.add({ variant: 'plain' }, { rate: 1, cpu: 1 });
	series.add({ variant: 'plain' }, { rate: 1 });
	assert.throws(() => series.rows(), /different figures/);
});

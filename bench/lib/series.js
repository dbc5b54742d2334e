// Collects what repetitions measured, and sums it up.

import { ratio, summary } from './stats.js';

/** Values by what they belong to: `key` is an object such as {operation: 'update', variant: 'plain'}. */
export class Series {
	#entries = new Map();

	/** One repetition's figures of `key`: an object of numbers. Every repetition must bring the same figures. */
	add(key, figures) {
		const name = JSON.stringify(key);
		const entry = this.#entries.get(name) ?? { key, figures: {} };
		for (const [figure, value] of Object.entries(figures)) {
			(entry.figures[figure] ??= []).push(value);
		}
		this.#entries.set(name, entry);
	}

	/**
	 * One object for each key, in the order in which they came first: the key's members, for each figure {median, min, max}, and
	 * `repetitions`. With `against` ({figure, variant}) also `ratio` of that figure to the key's counterpart with that variant,
	 * taken within each repetition.
	 */
	rows(against) {
		return [...this.#entries.values()].map(({ key, figures }) => {
			const counts = new Set(Object.values(figures).map((values) => values.length));
			if (counts.size !== 1) {
				throw new Error(`repetitions of ${JSON.stringify(key)} brought different figures`);
			}
			const row = { ...key, repetitions: [...counts][0] };
			for (const [figure, values] of Object.entries(figures)) {
				row[figure] = summary(values);
			}
			if (against !== undefined) {
				const base = this.#entries.get(JSON.stringify({ ...key, variant: against.variant }));
				row.ratio = ratio(figures[against.figure], base.figures[against.figure]);
			}
			return row;
		});
	}
}

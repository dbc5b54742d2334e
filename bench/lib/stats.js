// Medians, spread, and ratios within a repetition.

/** The middle value, or the mean of the two middle ones. */
export function median(values) {
	requireNumbers(values);
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** {median, min, max} of one or more numbers. */
export function summary(values) {
	return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** values[i] / base[i], summarised: both come from repetition i, so what slowed that repetition down falls out. */
export function ratio(values, base) {
	if (values.length !== base.length) {
		throw new Error(`${values.length} values cannot be set against ${base.length}`);
	}
	requireNumbers(base);
	if (base.some((value) => value === 0)) {
		throw new Error('a ratio to zero');
	}
	return summary(values.map((value, i) => value / base[i]));
}

/** The order in which repetition `number` (from 0) takes its turns: each repetition begins with the next one. */
export function turns(items, number) {
	const start = number % items.length;
	return [...items.slice(start), ...items.slice(0, start)];
}

/** At most `digits` significant digits, so that files and tables hold no noise. */
export function rounded(value, digits = 4) {
	if (Array.isArray(value)) {
		return value.map((item) => rounded(item, digits));
	}
	if (value !== null && typeof value === 'object') {
		return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, rounded(item, digits)]));
	}
	if (typeof value !== 'number' || !Number.isFinite(value) || Number.isInteger(value)) {
		return value;
	}
	return Number(value.toPrecision(digits));
}

function requireNumbers(values) {
	if (values.length === 0 || values.some((value) => typeof value !== 'number' || !Number.isFinite(value))) {
		throw new Error(`not a list of numbers: ${JSON.stringify(values)}`);
	}
}

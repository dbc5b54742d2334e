// What two people did to one record: pure comparison of the version an edit began with, the record as it is now, and
// what the person wants to save.

import { FIELDS, equal } from './fields.js';

/**
 * One entry for each field that somebody changed: {field, base, mine, theirs, by}, where `by` is
 *   "theirs"  only they changed it: it stays as they left it
 *   "mine"    only I changed it
 *   "both"    both did, to different values: a person has to choose
 *   "same"    both did, to the same value
 */
export function compare(base, theirs, mine) {
	const entries = [];
	for (const field of FIELDS) {
		const { name } = field;
		const theyChanged = !equal(field, theirs[name], base[name]);
		// Who puts back what they changed means it, though it is what was there at the beginning.
		const iChanged = Object.hasOwn(mine, name) && (theyChanged || !equal(field, mine[name], base[name]));
		if (!iChanged && !theyChanged) {
			continue;
		}
		const wanted = iChanged ? mine[name] : base[name];
		let by = iChanged ? 'mine' : 'theirs';
		if (iChanged && theyChanged) {
			by = equal(field, wanted, theirs[name]) ? 'same' : 'both';
		}
		entries.push({ field, base: base[name], mine: wanted, theirs: theirs[name], by });
	}
	return entries;
}

/** What is left to write on top of the record as it is now; `keepMine(name)` decides where both changed a field. */
export function resolve(entries, keepMine) {
	const set = {};
	for (const { field, mine, by } of entries) {
		if (by === 'mine' || (by === 'both' && keepMine(field.name))) {
			set[field.name] = mine;
		}
	}
	return set;
}

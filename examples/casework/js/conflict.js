// The dialog for a save that came too late: what they changed, what I changed, field by field, and what to do now.

import { ago, h, openDialog } from './dom.js';
import { compare, resolve } from './merge.js';
import { rowAtVersion } from './records.js';
import { shown } from './fields.js';

/**
 * Asks what to do. Resolves with
 *   {action: 'theirs', row}       drop mine; `row` is the record now (undefined: it is gone)
 *   {action: 'apply', row, set}   write `set` on top of `row`
 *   {action: 'cancel'}            go on editing
 */
export async function settleConflict({ records, base, set, conflict }) {
	// The refusal may overtake the change that caused it.
	const row = await rowAtVersion(records, base.id, conflict.current);
	const choice = row === undefined ? gone(base, conflict) : ask({ entries: compare(base, row, set), row, base, conflict });
	return (await choice) ?? { action: 'cancel' };
}

function ask({ entries, row, base, conflict }) {
	const who = conflict.changedBy ?? 'Somebody';
	const when = conflict.changedAt ? ` ${ago(new Date(conflict.changedAt))}` : '';
	const story = h(
		'p',
		{},
		h('strong', {}, who),
		` saved ${base.reference}${when}, while you were editing it. You began with version ${base.row_version}; it is now version ${row.row_version}. `,
		'Nothing of yours has been written, and nothing of theirs is lost.',
	);
	const both = entries.some(({ by }) => by === 'both');
	const advice = both ? 'You both changed the same field. Choose which value to keep.' : 'You changed different fields, so both can stand.';
	const choices = new Map();
	const table = h(
		'table',
		{ class: 'comparison' },
		h('thead', {}, h('tr', {}, ...['Field', 'When you began', `Now (${who})`, 'Yours'].map((text) => h('th', { scope: 'col' }, text)))),
		h('tbody', {}, entries.map((entry) => comparisonRow(entry, choices, who))),
	);
	return openDialog({ id: 'conflict', label: 'This record was changed by somebody else' }, (close) => [
		story,
		h('p', { class: 'advice' }, advice),
		h('div', { class: 'scrolled', tabindex: 0, role: 'region', 'aria-label': 'Their change against yours' }, table),
		h(
			'div',
			{ class: 'actions' },
			h('button', { type: 'button', autofocus: true, onclick: () => close({ action: 'cancel' }) }, 'Keep editing'),
			h('span', { class: 'grow' }),
			h('button', { type: 'button', id: 'take-theirs', onclick: () => close({ action: 'theirs', row }) }, 'Take theirs'),
			h(
				'button',
				{
					type: 'button',
					class: 'primary',
					id: 'apply-mine',
					onclick: () => {
						const wanted = resolve(entries, (name) => choices.get(name)?.checked === true);
						// All of mine may be given up field by field, or be what they saved anyway.
						close(Object.keys(wanted).length === 0 ? { action: 'theirs', row } : { action: 'apply', row, set: wanted });
					},
				},
				`Apply mine to version ${row.row_version}`,
			),
		),
	]);
}

const SAID = {
	theirs: 'only they changed it',
	mine: 'only you changed it',
	both: 'both changed it',
	same: 'both made the same change',
};

function comparisonRow({ field, base, mine, theirs, by }, choices, who) {
	const value = (of) => shown(field, of) || h('em', {}, 'empty');
	const cell = (of, chosen, radio) => {
		const content = radio === null ? h('span', {}, value(of)) : h('label', {}, radio, h('span', {}, value(of)));
		return h('td', { class: chosen ? 'chosen' : null }, content);
	};
	let radios = [null, null];
	if (by === 'both') {
		const names = { theirs: `Keep ${field.label.toLowerCase()} of ${who}`, mine: `Keep my ${field.label.toLowerCase()}` };
		radios = ['theirs', 'mine'].map((side) =>
			h('input', { type: 'radio', name: `keep-${field.name}`, value: side, checked: side === 'mine', 'aria-label': `${names[side]}: ${shown(field, side === 'mine' ? mine : theirs) || 'empty'}` }),
		);
		choices.set(field.name, radios[1]);
	}
	const chosen = { theirs: [true, false], same: [true, true], mine: [false, true], both: [false, true] }[by];
	const row = h(
		'tr',
		{ 'data-field': field.name, 'data-by': by },
		h('th', { scope: 'row' }, field.label, h('small', {}, SAID[by])),
		h('td', { class: 'before' }, value(base)),
		cell(theirs, chosen[0], radios[0]),
		by === 'theirs' ? h('td', {}, h('span', { class: 'muted' }, 'unchanged')) : cell(mine, chosen[1], radios[1]),
	);
	row.addEventListener('change', () => {
		row.children[2].classList.toggle('chosen', radios[0].checked);
		row.children[3].classList.toggle('chosen', radios[1].checked);
	});
	return row;
}

function gone(base, conflict) {
	return openDialog({ id: 'conflict', label: 'This record is gone' }, (close) => [
		h('p', {}, h('strong', {}, conflict.changedBy ?? 'Somebody'), ` deleted ${base.reference} while you were editing it. There is nothing left to save to.`),
		h(
			'div',
			{ class: 'actions' },
			h('button', { type: 'button', onclick: () => close({ action: 'cancel' }) }, 'Keep what I typed on the screen'),
			h('span', { class: 'grow' }),
			h('button', { type: 'button', class: 'primary', onclick: () => close({ action: 'theirs', row: undefined }) }, 'Close the record'),
		),
	]);
}

/** Asks a question with two answers; resolves with whether it was the primary one. */
export async function confirmed({ label, text, yes, danger = false }) {
	const answer = await openDialog({ id: 'confirm', label, className: 'small' }, (close) => [
		h('p', {}, text),
		h(
			'div',
			{ class: 'actions' },
			h('span', { class: 'grow' }),
			h('button', { type: 'button', onclick: () => close(false) }, 'Cancel'),
			h('button', { type: 'button', class: danger ? 'primary danger' : 'primary', id: 'confirm-yes', onclick: () => close(true) }, yes),
		),
	]);
	return answer === true;
}

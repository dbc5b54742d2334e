// What happened lately, one line per transaction, and the same spoken for those who do not see the table.

import { $, clock, count, h, perFrame, plural } from './dom.js';
import { fieldNamed, shown } from './fields.js';
import { toast } from './toast.js';

const KEPT = 60;
const MANY = 10; // changes at once that are worth a message of their own
const DONE = { insert: 'added', enter: 'added', update: 'changed', delete: 'deleted', leave: 'deleted', truncate: 'emptied' };

export class Activity {
	#announcer;
	#open;
	#new = []; // lines that the next frame shows; a page that is hidden has no frames
	#draw = perFrame(() => this.#show());

	constructor(announcer, { open }) {
		this.#announcer = announcer;
		this.#open = open;
		this.list = h('ol', { class: 'activity' });
		this.hint = h('p', { class: 'muted' }, 'Nothing has changed since you opened this page. Select a record to edit it.');
		const help = h('p', { class: 'muted keys' }, 'Press ', h('kbd', {}, '?'), ' for the keyboard shortcuts.');
		this.element = h('section', { 'aria-label': 'Recent changes', class: 'recent' }, h('h2', {}, 'Recent changes'), this.hint, this.list, help);
	}

	add({ transactions, changes, refetch }, mine) {
		const groups = (refetch ? [{ changes, actor: null, at: null }] : transactions).filter((group) => group.changes.length > 0);
		const lines = groups.map((group) => ({ ...group, mine: mine(group), who: mine(group) ? 'You' : (group.actor ?? 'Somebody') }));
		if (lines.length === 0) {
			return;
		}
		this.#new = [...this.#new, ...lines].slice(-KEPT);
		this.#draw();
		const foreign = lines.filter((line) => !line.mine).map(({ who, changes: seen }) => ({ who, text: `${who} ${summary(seen)}` }));
		if (changes.length > MANY && foreign.length > 0 && foreign.length <= 2) {
			toast(`${foreign.map((line) => line.text).join('. ')}.`);
		}
		this.#announcer.say(foreign);
	}

	#show() {
		const lines = this.#new.reverse();
		this.#new = [];
		this.hint.hidden = true;
		this.list.prepend(...lines.map((line) => this.#line(line)));
		while (this.list.children.length > KEPT) {
			this.list.lastElementChild.remove();
		}
		$('#changes-count').textContent = count.format(this.list.children.length);
	}

	#line({ changes, who, at, reason, mine }) {
		const what = summary(changes);
		const when = at === null ? '' : clock.format(new Date(at));
		const id = changes.length === 1 && changes[0].row !== undefined ? changes[0].key : null;
		const body = id === null ? h('span', {}, what) : h('button', { type: 'button', class: 'link', onclick: () => this.#open(id) }, what);
		return h(
			'li',
			{ class: mine ? 'mine' : null },
			h('time', {}, when),
			h('span', { class: 'actor' }, who),
			' ',
			body,
			reason ? h('span', { class: 'muted' }, ` (${reason})`) : null,
		);
	}
}

function summary(changes) {
	return changes.length === 1 ? single(changes[0]) : several(changes);
}

/** The fields of a change, in words: "set status to done" or "changed amount, note". */
export function changedFields(row, names) {
	const fields = names.map(fieldNamed).filter((field) => field !== undefined);
	if (fields.length === 1) {
		const [field] = fields;
		return { verb: 'set', fields: field.label.toLowerCase(), to: ` to ${shown(field, row[field.name]) || 'nothing'}` };
	}
	return { verb: 'changed', fields: fields.map((field) => field.label.toLowerCase()).join(', ') || 'nothing visible', to: '' };
}

function single({ op, row, old, count: rows }) {
	if (op === 'truncate') {
		return `emptied the table (${plural(rows, 'record')})`;
	}
	const reference = (row ?? old)?.reference ?? 'a record';
	if (op !== 'update') {
		return `${DONE[op]} ${reference}`;
	}
	const { verb, fields, to } = changedFields(row, Object.keys(old));
	return `${verb} ${fields} of ${reference}${to}`;
}

function several(changes) {
	const counts = new Map();
	for (const { op } of changes) {
		counts.set(DONE[op], (counts.get(DONE[op]) ?? 0) + 1);
	}
	return [...counts].map(([done, times]) => `${done} ${plural(times, 'record')}`).join(', ');
}

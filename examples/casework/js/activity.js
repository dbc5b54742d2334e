// What happened lately, one line per transaction, and the same spoken for those who do not see the table.

import { clock, count, h } from './dom.js';
import { fieldNamed, shown } from './fields.js';
import { toast } from './toast.js';

const KEPT = 60;
const MANY = 10; // changes at once that are worth a message of their own
const DONE = { insert: 'added', enter: 'added', update: 'changed', delete: 'deleted', leave: 'deleted', truncate: 'emptied' };

export class Activity {
	constructor(announcer, { me, open }) {
		this.announcer = announcer;
		this.me = me;
		this.open = open;
		this.list = h('ol', { class: 'activity' });
		this.hint = h('p', { class: 'muted' }, 'Nothing has changed since you opened this page. Select a record to edit it.');
		this.element = h('section', { 'aria-label': 'Recent changes' }, h('h2', {}, 'Recent changes'), this.hint, this.list);
	}

	add({ transactions, changes, refetch }, mine) {
		const groups = refetch ? [{ changes, actor: null, at: null }] : transactions;
		const lines = groups.filter((group) => group.changes.length > 0).map((group) => this.#line(group, mine(group)));
		if (lines.length === 0) {
			return;
		}
		this.hint.hidden = true;
		this.list.prepend(...lines.map(({ element }) => element).reverse());
		while (this.list.children.length > KEPT) {
			this.list.lastElementChild.remove();
		}
		const foreign = lines.filter((line) => !line.mine);
		if (changes.length > MANY && foreign.length > 0) {
			toast(foreign.map((line) => line.text).join('. '));
		}
		if (foreign.length > 0) {
			this.announcer.textContent = foreign.length > 3 ? `${foreign.length} changes by others` : foreign.map((line) => line.text).join('. ');
		}
	}

	#line({ changes, actor, at, reason }, mine) {
		const who = mine ? 'You' : (actor ?? 'Somebody');
		const what = changes.length === 1 ? single(changes[0]) : several(changes);
		const when = at === null ? '' : clock.format(new Date(at));
		const id = changes.length === 1 && changes[0].row !== undefined ? changes[0].key : null;
		const body = id === null ? h('span', {}, what) : h('button', { type: 'button', class: 'link', onclick: () => this.open(id) }, what);
		const element = h(
			'li',
			{ class: mine ? 'mine' : null },
			h('time', {}, when),
			h('span', { class: 'actor' }, who),
			' ',
			body,
			reason ? h('span', { class: 'muted' }, ` (${reason})`) : null,
		);
		return { element, mine, text: `${who} ${what}` };
	}
}

function single({ op, row, old, count: rows }) {
	if (op === 'truncate') {
		return `emptied the table (${count.format(rows)} records)`;
	}
	const reference = (row ?? old)?.reference ?? 'a record';
	if (op !== 'update') {
		return `${DONE[op]} ${reference}`;
	}
	const fields = Object.keys(old).map(fieldNamed).filter((field) => field !== undefined);
	if (fields.length === 1) {
		const [field] = fields;
		return `set ${field.label.toLowerCase()} of ${reference} to ${shown(field, row[field.name]) || 'nothing'}`;
	}
	return `changed ${fields.map((field) => field.label.toLowerCase()).join(', ') || 'nothing visible'} of ${reference}`;
}

function several(changes) {
	const counts = new Map();
	for (const { op } of changes) {
		counts.set(DONE[op], (counts.get(DONE[op]) ?? 0) + 1);
	}
	return [...counts].map(([done, times]) => `${done} ${count.format(times)} ${times === 1 ? 'record' : 'records'}`).join(', ');
}

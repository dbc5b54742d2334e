// Keyboard shortcuts of the page, and the list of them. Those of single characters can be switched off, because speech
// input types them by accident.

import { $, h, openDialog } from './dom.js';

const KEPT = 'casework.shortcuts';

const LIST = [
	['In the list', [
		['↑ ↓ Home End', 'walk through the records'],
		['Page Up, Page Down', 'turn the page'],
		['Enter or Space', 'open the record'],
		['D', 'mark as done, or take that back'],
	]],
	['Anywhere', [
		['/', 'search'],
		['N', 'new record'],
		['I', 'import a CSV file'],
		['U', 'show what has come and gone in the list'],
		['Z', 'undo, while it is offered'],
		['?', 'this list'],
	]],
	['In a record', [
		['Ctrl + Enter', 'save'],
		['Esc', 'close'],
	]],
];

/** @param actions  key → what it does */
export function listenForShortcuts(actions) {
	const all = { ...actions, '?': showShortcuts };
	document.addEventListener('keydown', (event) => {
		const typing = event.target.closest('input:not([type=checkbox]), textarea, select, dialog');
		if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !enabled()) {
			return;
		}
		const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
		if (Object.hasOwn(all, key)) {
			event.preventDefault();
			all[key]();
		}
	});
	$('#help').addEventListener('click', showShortcuts);
}

const enabled = () => localStorage.getItem(KEPT) !== 'off';

export function showShortcuts() {
	return openDialog({ id: 'shortcuts', label: 'Keyboard shortcuts', className: 'small' }, (close) => {
		const box = h('input', { type: 'checkbox', checked: enabled() });
		box.addEventListener('change', () => localStorage.setItem(KEPT, box.checked ? 'on' : 'off'));
		return [
			...LIST.map(([title, keys]) => [
				h('h3', {}, title),
				h('dl', {}, ...keys.map(([key, what]) => h('div', {}, h('dt', {}, ...key.split(/( or |, )/).map((part) => (/^( or |, )$/.test(part) ? part : h('kbd', {}, part)))), h('dd', {}, what)))),
			]).flat(),
			h('label', { class: 'check' }, box, ' Use the shortcuts of single characters'),
			h('div', { class: 'actions' }, h('span', { class: 'grow' }), h('button', { type: 'button', class: 'primary', onclick: () => close() }, 'Close')),
		];
	});
}

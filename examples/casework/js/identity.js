// Who is at the keyboard. The demo's bridge asks for no token: a name is taken on trust, asked once and kept.

import { h } from './dom.js';

const KEPT = 'casework.name';

export function currentName() {
	return localStorage.getItem(KEPT);
}

/** Asks for a name; resolves with it, or with null when there was one before and the person keeps it. */
export function askName(before) {
	return new Promise((resolve) => {
		const input = h('input', { name: 'name', required: true, maxlength: 40, autocomplete: 'username', value: before ?? '' });
		const cancel = before === undefined ? null : h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
		const form = h(
			'form',
			{ method: 'dialog' },
			h('h2', {}, before === undefined ? 'Who are you?' : 'Change your name'),
			h('p', {}, 'Your colleagues see this name beside what you change.'),
			h('label', { class: 'field' }, h('span', {}, 'Name'), input),
			h('div', { class: 'actions' }, cancel, h('button', { class: 'primary' }, 'Continue')),
		);
		const dialog = h('dialog', { class: 'small', 'aria-label': 'Your name' }, form);
		dialog.addEventListener('cancel', (event) => before === undefined && event.preventDefault());
		form.addEventListener('submit', (event) => {
			const name = input.value.trim();
			if (name === '') {
				event.preventDefault();
				input.value = '';
				input.reportValidity();
				return;
			}
			localStorage.setItem(KEPT, name);
			dialog.dataset.name = name;
		});
		dialog.addEventListener('close', () => {
			dialog.remove();
			resolve(dialog.dataset.name ?? null);
		});
		document.body.append(dialog);
		dialog.showModal();
	});
}

// Who is at the keyboard. The demo's bridge asks for no token: a name is taken on trust, asked once and kept.

import { h, openDialog } from './dom.js';

const KEPT = 'casework.name';

export function currentName() {
	return localStorage.getItem(KEPT);
}

/** Asks for a name; resolves with it, or with undefined when there was one before and the person keeps it. */
export function askName(before) {
	const asking = before === undefined;
	const label = asking ? 'Who are you?' : 'Change your name';
	return openDialog({ id: 'name', label, className: 'small', keep: () => asking }, (close) => {
		const problem = h('span', { class: 'note', id: 'name-problem' });
		const input = h('input', { name: 'name', required: true, maxlength: 40, autocomplete: 'username', value: before ?? '', 'aria-describedby': 'name-problem' });
		const form = h(
			'form',
			{ novalidate: true },
			h('p', {}, 'Your colleagues see this name beside what you change.'),
			h('label', { class: 'field' }, h('span', {}, 'Name'), input, problem),
			h('div', { class: 'actions' }, h('span', { class: 'grow' }), asking ? null : h('button', { type: 'button', onclick: () => close() }, 'Cancel'), h('button', { class: 'primary' }, 'Continue')),
		);
		form.addEventListener('submit', (event) => {
			event.preventDefault();
			const name = input.value.trim();
			if (name === '') {
				input.setAttribute('aria-invalid', 'true');
				problem.textContent = 'Please enter a name.';
				input.focus();
				return;
			}
			localStorage.setItem(KEPT, name);
			close(name);
		});
		return form;
	});
}

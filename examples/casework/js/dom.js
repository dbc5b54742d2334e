// Small helpers for building pages out of data. Text is always set as text, never as HTML.

export const $ = (selector, root = document) => root.querySelector(selector);

/** h('td', {class: 'x', onclick: f, 'aria-label': 'y'}, 'text', child, …) */
export function h(name, attributes = {}, ...children) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (value === undefined || value === null || value === false) {
			continue;
		}
		if (key.startsWith('on')) {
			element.addEventListener(key.slice(2), value);
		} else if (key === 'value') {
			element.value = value;
		} else {
			element.setAttribute(key, value === true ? '' : value);
		}
	}
	element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ''));
	return element;
}

/** Runs `work` once per frame, however often it is asked for. */
export function perFrame(work) {
	let asked = false;
	return () => {
		if (!asked) {
			asked = true;
			requestAnimationFrame(() => {
				asked = false;
				work();
			});
		}
	};
}

/** Runs `work` once, so many milliseconds after it was last asked for. */
export function later(work) {
	let timer;
	return (delay) => {
		clearTimeout(timer);
		timer = setTimeout(work, delay);
	};
}

/**
 * Shows a dialog until it is closed; the focus returns to where it was. `content(close)` makes what is in it; resolves
 * with what `close` was called with, or undefined. `keep()`: true while Escape must not close it.
 */
export function openDialog({ id, label, className, keep = () => false }, content) {
	return new Promise((resolve) => {
		const before = document.activeElement;
		let result;
		const close = (choice) => {
			result = choice;
			dialog.close();
		};
		const dialog = h('dialog', { id, class: className, 'aria-labelledby': `${id}-title` });
		dialog.append(h('h2', { id: `${id}-title` }, label), ...[content(close, dialog)].flat());
		dialog.addEventListener('cancel', (event) => keep() && event.preventDefault());
		// Chromium lets a second Escape close a dialog whatever the first one was told.
		dialog.addEventListener('keydown', (event) => event.key === 'Escape' && keep() && event.preventDefault());
		dialog.addEventListener('close', () => {
			dialog.remove();
			if (before?.isConnected) {
				before.focus();
			}
			resolve(result);
		});
		document.body.append(dialog);
		dialog.showModal();
	});
}

export const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
export const count = new Intl.NumberFormat();
export const plural = (number, one, many = `${one}s`) => `${count.format(number)} ${number === 1 ? one : many}`;

/** "just now", "8 s ago", "3 min ago", else the time. */
export function ago(date, now = Date.now()) {
	const seconds = Math.round((now - date.getTime()) / 1000);
	if (seconds < 2) {
		return 'just now';
	}
	if (seconds < 60) {
		return `${seconds} s ago`;
	}
	return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `at ${clock.format(date)}`;
}

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
	element.append(...children.flat().filter((child) => child !== null && child !== undefined));
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

export const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
export const count = new Intl.NumberFormat();

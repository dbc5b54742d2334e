// A short message at the bottom of the page.

import { $ } from './dom.js';

const SHOWN_MS = 6_000;
let timer;

export function toast(text, kind = 'info') {
	const element = $('#toast');
	element.textContent = text;
	element.dataset.kind = kind;
	element.hidden = false;
	clearTimeout(timer);
	timer = setTimeout(() => (element.hidden = true), SHOWN_MS);
}

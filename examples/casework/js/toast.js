// A short message at the bottom of the page, which may offer to take something back.

import { $ } from './dom.js';

const SHOWN_MS = 6_000;
const ACTION_MS = 12_000; // long enough to read, think and reach
let timer;
let action = null;

/** `undo`: what the message's button does, named `label`. */
export function toast(text, { kind = 'info', label = 'Undo', undo = null } = {}) {
	const element = $('#toast');
	$('#toast-text').textContent = text;
	element.dataset.kind = kind;
	element.hidden = false;
	action = undo;
	$('#toast-action').hidden = undo === null;
	$('#toast-action').textContent = label;
	clearTimeout(timer);
	timer = setTimeout(hide, undo === null ? SHOWN_MS : ACTION_MS);
}

/** Does what the message offers; false when there is nothing. */
export function takeBack() {
	const work = action;
	if (work === null) {
		return false;
	}
	hide();
	work();
	return true;
}

function hide() {
	clearTimeout(timer);
	action = null;
	$('#toast').hidden = true;
}

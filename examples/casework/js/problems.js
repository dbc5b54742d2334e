// What the database says when it refuses a write, for the person who meets it.

import { fieldNamed } from './fields.js';

const RULES = {
	23505: ['reference', 'There is a record with this reference already.'],
	42501: [null, 'You may not change this record.'],
	'55P03': [null, 'Somebody else is working on this record.'],
	57014: [null, 'The database took too long, and gave up.'],
};
const BAD_VALUE = new Set(['22P02', '22003', '22007', '22008', '22001']);

/** {text, field: the field that it is about, where one can be told} */
export function explain(error) {
	const [name, said] = RULES[error.code] ?? [];
	const field = fieldNamed(name ?? fieldIn(error)) ?? undefined;
	let text = said;
	if (text === undefined && error.code === '23514') {
		text = field === undefined ? 'The database does not accept these values.' : `The database does not accept this ${field.label.toLowerCase()}.`;
	} else if (text === undefined && error.code === '23502') {
		text = field === undefined ? 'Something is missing.' : `${field.label} is missing.`;
	} else if (text === undefined && BAD_VALUE.has(error.code)) {
		text = `The database cannot read a value: ${error.message}.`;
	} else if (error.code === 'LS001') {
		text = `${error.changedBy ?? 'Somebody'} changed it meanwhile.`;
	}
	text ??= `The database refused: ${error.message}.`;
	return { text: error.hint && said === undefined ? `${text} ${error.hint}` : text, field };
}

// "… violates check constraint "registration_amount_check"", "null value in column "applicant" of relation …"
function fieldIn({ message }) {
	return (/registration_(\w+?)_(?:check|key)\d*"/.exec(message) ?? /column "(\w+)"/.exec(message))?.[1];
}

// docs/sql.md against the extension: all that is public is documented as it is, and nothing is documented that is not there.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeSpans } from '../markdown.js';
import { signatureProblem, signatures } from '../kinds/signature.js';
import { namedRows, sections, tablesHeaded } from './sections.js';

const REFERENCE = 'docs/sql.md';
// What "lockstep." is followed by elsewhere: files, the subprotocol.
const OTHER_WORDS = new Set(['js', 'd', 'v1', 'so', 'control', 'git']);

/** What is true, read from a database with the extension and from the sources. `query(text)` → rows. */
export async function sqlFacts(query, root) {
	const objects = await query(`
		SELECT 'function', p.proname, obj_description(p.oid, 'pg_proc'), CASE WHEN p.prorettype IN ('trigger'::regtype) THEN 'trigger'
				WHEN p.prorettype = 'event_trigger'::regtype OR obj_description(p.oid, 'pg_proc') IN ('input', 'output', 'binary input', 'binary output') THEN 'hidden'
				WHEN obj_description(p.oid, 'pg_proc') LIKE 'implementation of %' AND (EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)
					OR EXISTS (SELECT FROM pg_amproc a WHERE a.amproc = p.oid) OR EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)) THEN 'hidden'
				ELSE 'function' END
			FROM pg_proc p WHERE p.pronamespace = 'lockstep'::regnamespace
		UNION ALL SELECT 'relation', c.relname, obj_description(c.oid, 'pg_class'), c.relkind::text
			FROM pg_class c WHERE c.relnamespace = 'lockstep'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
		UNION ALL SELECT DISTINCT 'operator', o.oprname, obj_description(o.oid, 'pg_operator'), ''
			FROM pg_operator o WHERE o.oprnamespace = 'lockstep'::regnamespace
		UNION ALL SELECT 'type', t.typname, obj_description(t.oid, 'pg_type'), t.typtype::text
			FROM pg_type t WHERE t.typnamespace = 'lockstep'::regnamespace AND t.typrelid = 0 AND t.typelem = 0 AND t.typname NOT LIKE '\\_%'`);
	const settings = await query("SELECT name, CASE WHEN boot_val = '' THEN 'empty' ELSE current_setting(name) END FROM pg_settings WHERE name LIKE 'lockstep.%'");
	const tracked = await query("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'lockstep.tracked'::regclass AND attnum > 0 ORDER BY attnum");
	return {
		objects: objects.map(([kind, name, comment, detail]) => ({ kind, name, comment: comment ?? '', detail })),
		settings: new Map(settings),
		tracked: tracked.map(([name, type]) => ({ name, type: type.replace('timestamp with time zone', 'timestamptz') })),
		signatures: await signatures(query),
		codes: await raisedCodes(query, root),
	};
}

/** The SQLSTATEs that the sources raise on purpose. */
async function raisedCodes(query, root) {
	const read = (folder, ending) => readdirSync(join(root, folder)).filter((name) => name.endsWith(ending)).map((name) => readFileSync(join(root, folder, name), 'utf8')).join('\n');
	const cpp = read('extension', '.cpp');
	const own = [...readFileSync(join(root, 'extension/errors.hpp'), 'utf8').matchAll(/#define (ERRCODE_\w+) MAKE_SQLSTATE\(([^)]*)\)/g)];
	const ownCodes = new Map(own.map(([, name, letters]) => [name, letters.replaceAll(/[', ]/g, '')]));
	const conditions = new Set([
		...[...read('extension/install', '.sql').matchAll(/ERRCODE = '(\w+)'/g)].map((match) => match[1]),
		// An ereport that only writes to the server's log is no error that anyone catches.
		...[...cpp.matchAll(/ereport\(\s*ERROR,\s*errcode\(ERRCODE_(\w+)\)/g)].map((match) => match[1].toLowerCase()).filter((name) => !name.startsWith('lockstep_')),
	]);
	const codes = new Set([...ownCodes].filter(([name]) => cpp.includes(name)).map(([, code]) => code));
	// PL/pgSQL knows the names.
	const names = [...conditions].map((name) => `'${name.replace(/^e_r_i_e_/, '')}'`).join();
	const found = await query(`
		CREATE FUNCTION pg_temp.code_of(name text) RETURNS text LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION USING ERRCODE = name; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
		SELECT pg_temp.code_of(name) FROM unnest(ARRAY[${names}]) AS name`);
	found.forEach(([code]) => codes.add(code));
	return codes;
}

export function sqlProblems(pages, facts) {
	const page = pages.find(({ path }) => path === REFERENCE);
	const all = sections(page);
	const problems = [];
	const say = (where, what) => problems.push(`${where}: ${what}`);

	for (const { kind, name, comment, detail } of facts.objects) {
		if (comment === '' && !(kind === 'relation' && /^change_\d+$/.test(name))) {
			say(`lockstep.${name}`, 'there is no COMMENT ON it');
		}
		if (kind === 'function' && !comment.startsWith('internal') && detail === 'function') {
			const section = all.find(({ title, level }) => title === name && level === 3);
			if (section === undefined) {
				say(REFERENCE, `there is no section "${name}", though the function is public`);
			} else if (!section.prose.some(({ text }) => codeSpans(text).some((span) => span.startsWith(`lockstep.${name}(`) && span.includes('→'))) && !section.items.some((item) => item.type === 'comment' && item.text.trim() === 'run as signature')) {
				say(`${REFERENCE}:${section.line}`, `the section "${name}" shows no signature`);
			}
		}
		// Sequences are the log's own business; segments are named as a family.
		const isNamed = kind === 'relation' ? detail !== 'S' : kind === 'type' || (detail === 'trigger' && comment.startsWith('trigger: ') && !comment.includes('lockstep.tracked_table'));
		if (isNamed && !new RegExp(`\`lockstep\\.${name}(\\(\\))?\``).test(page.text)) {
			say(REFERENCE, `lockstep.${name} is not documented`);
		}
	}

	const operators = new Set(facts.objects.filter(({ kind }) => kind === 'operator').map(({ name }) => name));
	const rows = tablesHeaded([page], 'operator').flatMap(namedRows).map(({ name }) => name);
	[...operators].filter((name) => !rows.includes(name)).forEach((name) => say(REFERENCE, `the operator ${name} is in no table of operators`));
	rows.filter((name) => !operators.has(name)).forEach((name) => say(REFERENCE, `there is no operator ${name}`));

	const known = new Set([...facts.objects.map(({ name }) => name), ...[...facts.settings.keys()].map((name) => name.replace('lockstep.', ''))]);
	for (const one of pages) {
		// What a block says is seen when it runs; it may be wrong on purpose.
		for (const { line, text } of one.prose) {
			for (const [, name] of text.matchAll(/(?<![\w/.-])lockstep\.([a-z][a-z0-9_]*)/g)) {
				if (!known.has(name) && !OTHER_WORDS.has(name)) {
					say(`${one.path}:${line}`, `there is no lockstep.${name}`);
				}
			}
		}
	}
	return [...problems, ...columnProblems(all, facts), ...settingProblems(pages, facts), ...codeProblems(page, facts)];
}

/** Inline signatures of all pages. */
export function signatureProblems(pages, { signatures: known }) {
	const problems = [];
	for (const page of pages) {
		for (const { line, text } of page.prose) {
			for (const span of codeSpans(text)) {
				if (/^lockstep\.\w+\(.*\) → /.test(span)) {
					const problem = signatureProblem(known, span);
					if (problem !== undefined) {
						problems.push(`${page.path}:${line}: ${problem}`);
					}
				}
			}
		}
	}
	return problems;
}

function columnProblems(all, facts) {
	const documented = (title) => {
		const table = all.find((section) => section.title === title && section.tables.some(({ head }) => head[0] === 'column'))?.tables.find(({ head }) => head[0] === 'column');
		return (table?.rows ?? []).flatMap(([names, type]) => codeSpans(names).map((name) => `${name} ${codeSpans(type)[0]}`)).join(', ');
	};
	const columns = /setof \((.*)\)$/.exec(facts.signatures.get('changes')?.columns)?.[1] ?? '';
	// The table groups columns by subject, so their order is not compared.
	const sorted = (list) => list.split(/, ?/).sort().join(', ');
	return [
		['changes', columns],
		['tracked', facts.tracked.map(({ name, type }) => `${name} ${type}`).join(', ')],
	]
		.filter(([title, real]) => sorted(documented(title)) !== sorted(real))
		.map(([title, real]) => `${REFERENCE}: the columns of "${title}" are\n    ${sorted(real)}\nbut the table says\n    ${sorted(documented(title))}`);
}

function settingProblems(pages, facts) {
	const rows = tablesHeaded(pages, 'setting').flatMap(namedRows).filter(({ name }) => name.startsWith('lockstep.'));
	const missing = [...facts.settings.keys()].filter((name) => !rows.some((row) => row.name === name)).map((name) => `the setting ${name} is not documented`);
	const wrong = tablesHeaded(pages, 'setting')
		.filter(({ head }) => head[1] === 'default')
		.flatMap(namedRows)
		.filter(({ name, cells }) => name.startsWith('lockstep.') && cells[0].replaceAll('`', '') !== facts.settings.get(name))
		.map(({ name, cells }) => `the default of ${name} is ${facts.settings.get(name)}, not ${cells[0]}`);
	return [...missing, ...wrong];
}

function codeProblems(page, facts) {
	const documented = new Set([...page.text.matchAll(/`([0-9A-Z]{5})`/g)].map((match) => match[1]));
	return [...facts.codes].filter((code) => !documented.has(code)).map((code) => `${REFERENCE}: the sources raise ${code}, which is not documented`);
}

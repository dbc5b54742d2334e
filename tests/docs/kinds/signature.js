// A function's signature, as `lockstep.name(argument type DEFAULT value, …) → type`: exactly that of the function in the database.

const NAMES = { 'timestamp with time zone': 'timestamptz', 'lockstep."position"': 'lockstep.position' };

function tidy(text) {
	return Object.entries(NAMES)
		.reduce((all, [long, short]) => all.replaceAll(long, short), text)
		.replaceAll('"', '')
		.replaceAll(/::[\w.]+(\[\])?/g, '')
		.replaceAll(/\s+/g, ' ')
		.replaceAll(/\( | \)|, /g, (found) => found.trim())
		.trim()
		.replace(/→ setof/i, '→ setof');
}

/** How the docs would write each function of the schema: name → {plain, columns}, the latter with a result's columns. */
export async function signatures(query) {
	const rows = await query(`
		SELECT p.proname, pg_get_function_result(p.oid),
			coalesce(string_agg(format('%s %s%s', quote_ident(a.name), format_type(a.type, NULL),
				' DEFAULT ' || pg_get_function_arg_default(p.oid, a.place::int)), ', ' ORDER BY a.place) FILTER (WHERE a.mode = 'i'), ''),
			coalesce(string_agg(format('%s %s', quote_ident(a.name), format_type(a.type, NULL)), ', ' ORDER BY a.place) FILTER (WHERE a.mode = 'o'), '')
		FROM pg_proc p
		LEFT JOIN LATERAL ROWS FROM (unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])), unnest(p.proargnames),
			unnest(coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::int])))) WITH ORDINALITY AS a (type, name, mode, place)
			ON a.type IS NOT NULL
		WHERE p.pronamespace = 'lockstep'::regnamespace
		GROUP BY p.oid`);
	return new Map(
		rows.map(([name, result, given, columns]) => {
			const plain = tidy(`lockstep.${name}(${given}) → ${result}`);
			return [name, { plain, columns: columns === '' ? plain : tidy(`lockstep.${name}(${given}) → setof (${columns})`) }];
		}),
	);
}

/** What is wrong with a signature in the docs, or undefined. */
export function signatureProblem(known, text) {
	const written = tidy(text);
	const name = /^lockstep\.(\w+)\(/.exec(written)?.[1];
	if (name === undefined) {
		return `this is no signature: ${text}`;
	}
	const real = known.get(name);
	return written === real?.plain || written === real?.columns
		? undefined
		: `the docs say\n    ${written}\nthe database\n    ${real?.[written.includes('setof (') ? 'columns' : 'plain'] ?? 'knows no such function'}`;
}

export async function signature(scene, { text }) {
	return { output: () => '', problem: signatureProblem(await signatures((query) => scene.rows(query)), text) };
}

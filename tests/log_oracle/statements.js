// Random statements, as SQL. Nobody needs to know what they will do: the witness does.

import { keyLiterals } from './world.js'
import { quote, value } from './values.js'

const kinds = {
	insert: 22, insert_many: 6, upsert: 10, update: 26, update_many: 6, sweep: 2, nothing: 5, versioned: 6, remove: 10, remove_many: 3, move_key: 8, come_and_go: 3,
	merge: 6, copy: 5, bulk: 1, cursor: 2, from_with: 2, fails_midway: 2, truncate: 0.5, flush: 2, immediate: 1.5, hopeful: 3, fulfil: 4,
}

/// One operation: { sql } or { copy, data }; sql may be several statements.
export function statement(random, world, only = kinds) {
	const table = random.pick(Object.values(world.tables))
	return makers[random.weighted(only)](random, table, world)
}

/// Those that may stand in a plpgsql block.
const in_block = Object.fromEntries(Object.entries(kinds).filter(([name]) => !['copy', 'cursor', 'flush', 'immediate', 'truncate', 'hopeful', 'fulfil'].includes(name)))

/// A DO block with exception handlers, nested and in loops.
export function block(random, world) {
	const some = () => Array.from({ length: random.int(1, 2) }, () => `${statement(random, world, in_block).sql};`).join('\n')
	const failure = () => random.pick(["RAISE EXCEPTION 'given up';", 'PERFORM 1 / 0;', 'INSERT INTO parent (id) VALUES (1), (1);', ''])
	const nested = (depth) => `BEGIN
			${some()}
			${depth > 0 && random.chance(0.5) ? nested(depth - 1) : ''}
			${failure()}
			${random.chance(0.4) ? some() : ''}
		EXCEPTION WHEN OTHERS THEN
			${random.chance(0.5) ? some() : 'NULL;'}
		END;`
	const body = random.chance(0.3) ? `FOR i IN 1 .. ${random.int(2, 6)} LOOP ${nested(1)} END LOOP;` : nested(2)
	return `DO $body$ BEGIN ${random.chance(0.5) ? some() : ''} ${body} ${random.chance(0.5) ? some() : ''} END $body$`
}

/// More than the buffer holds: what the (sub-)transaction has so far is written now.
export function flush(random, { tables: { journal } }) {
	return `SET LOCAL lockstep.log_buffer_size = '64kB'; INSERT INTO ${journal.name} (note) VALUES (repeat('${random.pick('xyz')}', 70000))`
}

/// Refers to a row that is not there yet, has all written, and waits for whoever fulfils it. (Where the key is deferred.)
export function hopeful(random, { tables: { child } }, id) {
	return `SET LOCAL lockstep.log_buffer_size = '64kB'; INSERT INTO ${child.name} (id, parent_id, note) VALUES (${random.int(1000, 9000)}, ${id}, repeat('h', 70000))`
}

export function fulfilling({ tables: { parent } }, id) {
	return `INSERT INTO ${parent.name} (id) VALUES (${id}) ON CONFLICT DO NOTHING`
}

// --- parts ------------------------------------------------------------------------------------------------------------

function row(random, table) {
	const fields = [...keyLiterals(random, table)]
	if (table.identity) fields.pop()
	for (const { column, to, type } of table.links) {
		if (random.chance(0.7)) fields.push([column, keyLiterals(random, { key: [[to, type]] })[0][1]])
	}
	fields.push(['note', random.chance(0.1) ? 'NULL' : quote(random.word(random.chance(0.02) ? 9000 : random.int(0, 12)))])
	for (const [name, type] of table.columns) {
		if (random.chance(0.7)) fields.push([name, value(random, type)])
	}
	if (random.chance(0.05)) fields.push([table.version, String(random.int(10, 20) * 1000)])
	return fields
}

/// Rows with the same columns: [names, list of VALUES lines].
function rows(random, table, count) {
	const names = row(random, table).map(([name]) => name)
	const lines = new Map()
	for (let i = 0; i < count; i++) {
		const fields = new Map([...row(random, table), ...keyLiterals(random, table)])
		const literals = names.map((name) => fields.get(name) ?? 'DEFAULT')
		const key = table.identity ? i : table.key.map(([name]) => fields.get(name)).join()
		lines.set(key, `(${literals.join(', ')})`)
	}
	return [names.join(', '), [...lines.values()]]
}

const one = (random, table) => keyLiterals(random, table).map(([name, literal]) => `t.${name} = ${literal}`).join(' AND ')
const some = (random, table) => Array.from({ length: random.int(1, 6) }, () => `(${one(random, table)})`).join(' OR ')

function changes(random, table) {
	const list = [[`note`, random.chance(0.3) ? `left(t.note, 9) || ${quote(random.word(3))}` : quote(random.word(random.int(0, 12)))]]
	if (random.chance(0.5)) list.push(['n1', 't.n1 + 1'])
	for (const [name, type] of table.columns) {
		if (random.chance(0.3)) list.push([name, value(random, type)])
	}
	for (const { column, to, type } of table.links) {
		if (random.chance(0.2)) list.push([column, keyLiterals(random, { key: [[to, type]] })[0][1]])
	}
	return list.slice(random.chance(0.3) && list.length > 1 ? 1 : 0).map(([name, literal]) => `${name} = ${literal}`).join(', ')
}

const makers = {
	insert: (random, table) => {
		const fields = row(random, table)
		if (fields.length === 0) return { sql: `INSERT INTO ${table.name} DEFAULT VALUES` }
		return {
			sql: `INSERT INTO ${table.name} (${fields.map(([name]) => name).join(', ')}) VALUES (${fields.map(([, literal]) => literal).join(', ')})
				${random.chance(0.6) ? 'ON CONFLICT DO NOTHING' : ''}`,
		}
	},
	insert_many: (random, table) => {
		const [names, lines] = rows(random, table, random.int(2, 12))
		return { sql: `INSERT INTO ${table.name} (${names}) VALUES ${lines.join(', ')} ${random.chance(0.8) ? 'ON CONFLICT DO NOTHING' : ''}` }
	},
	upsert: (random, table) => {
		const [names, lines] = rows(random, table, random.int(1, 3))
		return {
			sql: `INSERT INTO ${table.name} AS t (${names}) VALUES ${lines.join(', ')} ON CONFLICT (${table.key.map(([name]) => name).join(', ')}) DO UPDATE SET ${
				random.chance(0.3) ? 'note = EXCLUDED.note, n1 = t.n1 + 1' : changes(random, table)}${random.chance(0.2) ? " WHERE t.note < 'p'" : ''}`,
		}
	},
	update: (random, table) => ({ sql: `UPDATE ${table.name} AS t SET ${changes(random, table)} WHERE ${one(random, table)}` }),
	update_many: (random, table) => ({ sql: `UPDATE ${table.name} AS t SET ${changes(random, table)} WHERE ${some(random, table)}` }),
	sweep: (random, table) => ({ sql: `UPDATE ${table.name} AS t SET n1 = n1 + 1 WHERE note < '${random.pick('bdhmt')}'` }),
	nothing: (random, table) => ({
		sql: `UPDATE ${table.name} AS t SET note = t.note${random.chance(0.3) ? `, ${table.version} = t.${table.version}` : ''} WHERE ${some(random, table)}`,
	}),
	versioned: (random, table) => ({
		sql: `UPDATE ${table.name} AS t SET ${table.version} = t.${table.version} + ${random.pick([0, 1, 1])}${random.chance(0.6) ? `, ${changes(random, table)}` : ''} WHERE ${one(random, table)}`,
	}),
	remove: (random, table) => ({ sql: `DELETE FROM ${table.name} AS t WHERE ${one(random, table)}` }),
	remove_many: (random, table) => ({ sql: `DELETE FROM ${table.name} AS t WHERE ${some(random, table)}` }),
	move_key: (random, table) => {
		const fresh = keyLiterals(random, table)
		const kept = random.chance(0.5) ? fresh.slice(0, 1) : fresh
		return { sql: `UPDATE ${table.name} AS t SET ${kept.map(([name, literal]) => `${name} = ${literal}`).join(', ')}${random.chance(0.3) ? ', n1 = n1 + 1' : ''} WHERE ${one(random, table)}` }
	},
	come_and_go: (random, table) => {
		const key = keyLiterals(random, table)
		const where = key.map(([name, literal]) => `${name} = ${literal}`).join(' AND ')
		return {
			sql: `DELETE FROM ${table.name} WHERE ${where}; INSERT INTO ${table.name} (${key.map(([name]) => name).join(', ')}) VALUES (${key.map(([, literal]) => literal).join(', ')});
				UPDATE ${table.name} SET n1 = n1 + 1 WHERE ${where}${random.chance(0.5) ? `; DELETE FROM ${table.name} WHERE ${where}` : ''}`,
		}
	},
	merge: (random, table) => {
		if (table.identity) return makers.insert(random, table)
		const names = table.key.map(([name]) => name)
		const lines = new Map(Array.from({ length: random.int(1, 6) }, () => {
			const literals = keyLiterals(random, table).map(([, literal], i) => `${literal}::${table.key[i][1]}`)
			return [literals.join(), `(${literals.join(', ')}, ${random.int(0, 9)})`]
		}))
		return {
			sql: `MERGE INTO ${table.name} AS t USING (VALUES ${[...lines.values()].join(', ')}) AS s (${names.join(', ')}, x) ON ${names.map((name) => `t.${name} = s.${name}`).join(' AND ')}
				WHEN MATCHED AND s.x < 3 THEN DELETE
				WHEN MATCHED AND s.x < 5 THEN DO NOTHING
				WHEN MATCHED THEN UPDATE SET n1 = t.n1 + s.x
				WHEN NOT MATCHED THEN INSERT (${names.join(', ')}, n1) VALUES (${names.map((name) => `s.${name}`).join(', ')}, s.x)`,
		}
	},
	copy: (random, table) => {
		const [first] = table.key
		const start = random.int(100, 1e6)
		const many = random.int(1, 30)
		const lines = []
		for (let i = 0; i < many; i++) {
			const key = { integer: start + i, bigint: start + i, numeric: `${start + i}.25`, text: `copy ${start + i}`, uuid: `00000000-0000-4000-8000-${String(start + i).padStart(12, '0')}`, timestamptz: `2027-01-01 00:00:00.${String(start + i).padStart(6, '0').slice(0, 6)}Z` }
			const fields = table.key.map(([name, type]) => (name === 'region' ? random.pick(['a', 'b', 'c']) : key[type]))
			lines.push([...fields, random.chance(0.1) ? '\\N' : 'from copy', random.int(0, 9)].join('\t'))
		}
		void first
		return { copy: `COPY ${table.name} (${table.key.map(([name]) => name).join(', ')}, note, n1) FROM STDIN`, data: `${lines.join('\n')}\n` }
	},
	bulk: (random, table) => {
		const key = { integer: 'g', bigint: 'g', numeric: 'g', text: "'bulk ' || g", uuid: "lpad(g::text, 32, '0')::uuid", timestamptz: "'2028-01-01'::timestamptz + g * interval '1 s'" }
		const names = table.key.map(([name]) => name)
		const from = random.int(2, 9) * 1000
		const values = table.key.map(([name, type]) => (name === 'region' ? "'b'" : key[type]))
		return random.chance(0.5)
			? { sql: `INSERT INTO ${table.name} (${names.join(', ')}, note) SELECT ${values.join(', ')}, 'bulk' FROM generate_series(${from}, ${from + random.chance(0.3) ? random.int(700, 1500) : random.int(50, 300)}) g ON CONFLICT DO NOTHING` }
			: { sql: `DELETE FROM ${table.name} WHERE note = 'bulk' OR note = 'from copy'` }
	},
	cursor: (random, table) => {
		const name = `cur${random.int(1, 1e9)}`
		const steps = Array.from({ length: random.int(1, 4) }, () =>
			`FETCH NEXT FROM ${name}; ${random.chance(0.7) ? `UPDATE ${table.name} AS t SET n1 = n1 + 1` : `DELETE FROM ${table.name}`} WHERE CURRENT OF ${name}`)
		return { sql: `DECLARE ${name} CURSOR FOR SELECT * FROM ${table.name} LIMIT 5 FOR UPDATE; ${steps.join('; ')}; CLOSE ${name}` }
	},
	from_with: (random, table) => ({
		sql: `WITH gone AS (DELETE FROM ${table.name} AS t WHERE ${some(random, table)} RETURNING n1),
			more AS (INSERT INTO parent (id, note) SELECT ${random.int(1, 60)}, 'from with' WHERE EXISTS (SELECT FROM gone) ON CONFLICT DO NOTHING RETURNING id)
			INSERT INTO journal (note) SELECT 'gone ' || n1 FROM gone`,
	}),
	fails_midway: (random, table) => ({
		sql: `UPDATE ${table.name} AS t SET n1 = n1 + 1 / (CASE WHEN ${one(random, table)} OR note LIKE '%~' THEN 0 ELSE 1 END) WHERE ${some(random, table)} OR note < 'c'`,
	}),
	truncate: (random, table) => ({ sql: `TRUNCATE ${table.name} CASCADE`, truncates: true }),
	/// And an own feed in its midst.
	flush: (random, table, world) => ({ sql: `${flush(random, world)}${random.chance(0.3) ? '; SELECT count(*) FROM lockstep.changes(lockstep.position())' : ''}` }),
	hopeful: (random, table, world) => ({
		sql: `${hopeful(random, world, random.int(500, 503))}; SELECT pg_sleep(${random.int(0, 300) / 1000})`,
		hopeful: true,
	}),
	fulfil: (random, table, world) => ({
		sql: random.chance(0.6) ? fulfilling(world, random.int(500, 503)) : `DELETE FROM ${world.tables.parent.name} WHERE id BETWEEN 500 AND 503`,
	}),
	immediate: (random) => ({ sql: `SET CONSTRAINTS ALL ${random.pick(['IMMEDIATE', 'DEFERRED'])}` }),
}

// --- what fires no row trigger ----------------------------------------------------------------------------------------

/// DROP, and a table of the same name, which begins with some rows. Its columns are those of the beginning.
function recreation(random, world, table) {
	const numbers = random.chance(0.5) && !table.identity && table.key.every(([, type]) => ['integer', 'bigint', 'numeric'].includes(type))
	const rows = numbers ? `INSERT INTO ${table.name} (${table.key.map(([name]) => name).join(', ')}, note) SELECT ${table.key.map(() => 'g').join(', ')}, 'new' FROM generate_series(1, ${random.int(1, 20)}) g` : ''
	return `DROP TABLE ${table.name}; ${world.tableSql(table, rows)}; ${world.user_triggers[table.label].join(';')}`
}

/// A change of a table's shape: { table, what, sql, tracked: is it tracked afterwards? }.
export function reshaping(random, world) {
	const table = random.pick(Object.values(world.tables))
	const column = `x${random.int(1, 3)}`
	const name = table.name
	if (table.untracked) {
		return {
			table, what: 'track', tracked: true,
			sql: `${world.trackSql(table)}; ALTER TABLE ${name} ENABLE ALWAYS TRIGGER "!witness", ENABLE ALWAYS TRIGGER "!witness_truncate"`,
		}
	}
	// Users' triggers may fire in between, and what they change is not logged.
	const blind = `ALTER TABLE ${name} DISABLE TRIGGER "!witness", DISABLE TRIGGER "!witness_truncate"`
	const seeing = `ALTER TABLE ${name} ENABLE ALWAYS TRIGGER "!witness", ENABLE ALWAYS TRIGGER "!witness_truncate"`
	const choices = {
		add: [4, () => `ALTER TABLE ${name} ADD COLUMN ${column} ${random.pick(['integer', 'text', "integer NOT NULL DEFAULT 7", "numeric DEFAULT 1.50", 'timestamptz DEFAULT clock_timestamp()'])}`],
		drop: [3, () => `ALTER TABLE ${name} DROP COLUMN ${column}`],
		rename: [2, () => `ALTER TABLE ${name} RENAME COLUMN ${column} TO x${random.int(1, 3)}`],
		retype: [2, () => `ALTER TABLE ${name} ALTER COLUMN ${column} TYPE ${random.pick(['text', 'numeric', 'bigint'])} USING length(${column}::text)`],
		// Triggers' functions name the others.
		rename_table: [['parent', 'child', 'part'].includes(table.label) ? 1 : 0, () => `ALTER TABLE ${name} RENAME TO ${name.endsWith('_r') ? name.slice(0, -2) : `${name}_r`}`],
		again: [1, () => `SELECT lockstep.untrack('${name}'); ${blind}; UPDATE ${name} SET n1 = n1 + 1 WHERE note < 'h'; ${seeing}; ${world.trackSql(table)}`],
		// Nobody refers to these, but their own rows.
		recreate: [['plain', 'other', 'tree', 'tally', 'journal'].includes(table.label) ? 2 : 0, () => recreation(random, world, table)],
		untrack: [1, () => `SELECT lockstep.untrack('${name}'); ${blind}`],
	}
	if (table.partitioned) {
		Object.assign(choices, {
			detach: [4, () => `ALTER TABLE ${name} DETACH PARTITION part_d`],
			attach: [4, () => `ALTER TABLE ${name} ATTACH PARTITION part_d FOR VALUES IN ('d')`],
			truncate_leaf: [3, () => `TRUNCATE ${random.pick(['part_a', 'part_c1', 'part_c'])}`],
			swap: [2, () => `ALTER TABLE ${name} DETACH PARTITION part_d; DELETE FROM part_d WHERE n < 30; INSERT INTO part_d (region, n) VALUES ('d', 99) ON CONFLICT DO NOTHING;
				ALTER TABLE ${name} ATTACH PARTITION part_d FOR VALUES IN ('d')`],
		})
	}
	const what = random.weighted(Object.fromEntries(Object.entries(choices).map(([key, [weight]]) => [key, weight])))
	return { table, what, sql: choices[what][1](), tracked: what !== 'untrack' }
}

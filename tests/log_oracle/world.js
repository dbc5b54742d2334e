// A world: a random schema, the witness of what was done in it, and the names and columns that writers use.
//
// The witness owes nothing to lockstep. Its triggers, in plpgsql, note each row change with to_jsonb() in tables that are not
// tracked, in the writer's transaction: what is rolled back or lost in a crash is gone from both or from neither.

import { keys, types } from './values.js'

const fixed = `SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres' SET bytea_output = 'hex' SET extra_float_digits = 1`

export const witness = `
	CREATE SCHEMA witness;
	-- One row of each transaction that may have changed something. \`saw\`: some that had committed when it was about to end.
	CREATE TABLE witness.deed (tx text PRIMARY KEY, xid xid8 NOT NULL, saw xid8[], n bigint GENERATED ALWAYS AS IDENTITY);
	CREATE INDEX ON witness.deed (n);
	CREATE TABLE witness.change (
		n bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL, label text NOT NULL, op text NOT NULL, replica boolean NOT NULL,
		before jsonb, after jsonb
	);
	CREATE INDEX ON witness.change (xid);
	-- All rows of a table before and after what fires no row trigger. NULL: it was, or is, not tracked.
	CREATE TABLE witness.shape (
		n bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL, label text NOT NULL, what text NOT NULL, before jsonb, after jsonb, done boolean NOT NULL DEFAULT false
	);
	CREATE INDEX ON witness.shape (xid);
	-- The tables that there are or were, under the names by which all the oracle knows them.
	CREATE TABLE witness.relation (relid oid PRIMARY KEY, label text NOT NULL);
	CREATE TABLE witness.bookmark (reader text PRIMARY KEY, position lockstep.position);

	-- lockstep logs json, which is not jsonb, as a string.
	CREATE FUNCTION witness.note() RETURNS trigger LANGUAGE plpgsql ${fixed} AS $$
	DECLARE
		b jsonb;
		a jsonb;
	BEGIN
		IF TG_OP IN ('UPDATE', 'DELETE') THEN
			b := to_jsonb(OLD) - 'secret';
			IF b ? 'raw' THEN b := b || jsonb_build_object('raw', OLD.raw::text); END IF;
		END IF;
		IF TG_OP IN ('UPDATE', 'INSERT') THEN
			a := to_jsonb(NEW) - 'secret';
			IF a ? 'raw' THEN a := a || jsonb_build_object('raw', NEW.raw::text); END IF;
		END IF;
		IF TG_OP <> 'UPDATE' OR a::text <> b::text THEN
			INSERT INTO witness.change (xid, label, op, replica, before, after)
			VALUES (pg_current_xact_id(), TG_ARGV[0], TG_OP, current_setting('session_replication_role') = 'replica', b, a);
		END IF;
		RETURN NULL;
	END $$;

	-- The last that committed: not from a snapshot, whose numbers a crash may give out again, but from what they left.
	CREATE FUNCTION witness.others() RETURNS xid8[] LANGUAGE sql AS
		$$ SELECT array_agg(xid) FROM (SELECT xid FROM witness.deed WHERE xid <> pg_current_xact_id() ORDER BY n DESC LIMIT 40) AS last $$;

	CREATE FUNCTION witness.rows(relation regclass) RETURNS jsonb LANGUAGE plpgsql ${fixed} AS $$
	DECLARE
		result jsonb;
	BEGIN
		EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(t) - ''secret'' || %s), ''[]'') FROM %s t',
			CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = 'raw')
				THEN 'jsonb_build_object(''raw'', t.raw::text)' ELSE '''{}''' END, relation) INTO result;
		RETURN result;
	END $$;

	CREATE FUNCTION witness.watch(relation regclass, label text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO witness.relation VALUES (relation, label);
		EXECUTE format('CREATE TRIGGER "!witness" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION witness.note(%L)', relation, label);
		EXECUTE format('CREATE TRIGGER "!witness_truncate" AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION witness.note(%L)', relation, label);
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "!witness", ENABLE ALWAYS TRIGGER "!witness_truncate"', relation);
	END $$;
`

const regions = ['a', 'b', 'c', 'd']

/// Tracked tables, known by their labels: { label: { label, name, key: [[column, type]], version, links } }.
export class Tables {
	constructor(tables) {
		this.tables = tables
		this.labels = new Map() // by relid, which a table that is renamed keeps, and one that is made again does not
	}

	/// The names that the tables have now, and whether they are tracked. Labels stay what they are.
	async names(client) {
		const { rows } = await client.query(
			`SELECT r.relid::text, r.label, c.oid::regclass::text AS name, EXISTS (SELECT FROM lockstep.tracked t WHERE t.relid = c.oid)::text AS tracked
			 FROM witness.relation r LEFT JOIN pg_class c ON c.oid = r.relid`)
		for (const { relid, label, name, tracked } of rows) {
			this.labels.set(relid, label)
			// One that was dropped has no name. One that is being dropped may have a number for one.
			if (name !== null && !/^\d+$/.test(name)) Object.assign(this.tables[label], { relid, name, untracked: tracked !== 'true' })
		}
	}
}

export class World extends Tables {
	constructor(random) {
		super({})
		this.random = random
		for (const label of ['plain', 'other']) this.add(this.plain(label))
		this.add({ label: 'parent', key: [['id', 'bigint']] })
		this.add({ label: 'child', key: [['id', 'integer']], links: [this.link('parent_id', 'parent', 'bigint')] })
		this.add({ label: 'tree', key: [['id', 'integer']], links: [this.link('up', 'tree', 'integer')] })
		this.add({ label: 'part', key: [['region', 'text'], ['n', 'integer']], partitioned: true })
		this.add({ label: 'tally', key: [['id', 'integer']], counter: true })
		this.add({ label: 'journal', key: [['id', 'bigint']], identity: true })
		this.user_triggers = this.triggers()
	}

	plain(label) {
		const { random } = this
		const count = random.weighted({ 1: 3, 2: 1 })
		const names = Object.keys(keys)
		return { label, key: Array.from({ length: Number(count) }, (_, i) => [`k${i}`, random.pick(names)]) }
	}

	link(column, to, type) {
		const { random } = this
		const deferred = random.chance(0.5) ? ' DEFERRABLE INITIALLY DEFERRED' : ''
		return { column, to, type, clause: `ON DELETE ${random.pick(['CASCADE', 'SET NULL'])} ON UPDATE CASCADE${deferred}` }
	}

	add(table) {
		const { random } = this
		const columns = []
		const names = Object.keys(types).filter((type) => type !== 'json')
		for (let i = random.int(2, 6); i > 0; i--) columns.push([`c${i}`, random.pick(names)])
		if (random.chance(0.4)) columns.push(['raw', 'json'])
		if (random.chance(0.4)) columns.push(['secret', 'text'])
		this.tables[table.label] = {
			links: [], ...table, columns, name: table.label,
			version: random.chance(0.25) ? 'rev' : 'row_version',
			generated: random.chance(0.3),
			has_secret: columns.some(([name]) => name === 'secret'),
		}
	}

	/// What a client must have said before it uses the tables' types and names.
	sql() {
		return `${witness}
			CREATE TYPE mood AS ENUM ('sad', 'ok', 'über glücklich');
			CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
			CREATE TYPE pair AS (x integer, y text);
			${Object.values(this.tables).map((table) => this.tableSql(table)).join('\n')}
			${this.functionsSql()};
			${Object.values(this.user_triggers).flat().join(';\n')}`
	}

	/// `between`: what to do before it is tracked.
	tableSql(table, between = '') {
		const key = table.key.map(([name]) => name).join(', ')
		const lines = [
			...table.key.map(([name, type]) => `${name} ${type} ${table.identity ? 'GENERATED BY DEFAULT AS IDENTITY' : ''}`),
			...table.links.map(({ column, to, type, clause }) => `${column} ${type} REFERENCES ${to} ${clause}`),
			'note text',
			'n1 integer NOT NULL DEFAULT 0',
			...table.columns.map(([name, type]) => `${name} ${type}`),
			...(table.generated ? ['made integer GENERATED ALWAYS AS (n1 * 2) STORED'] : []),
			...(table.version === 'rev' ? ['rev integer NOT NULL DEFAULT 1'] : []),
			`PRIMARY KEY (${key})`,
		]
		return `CREATE TABLE ${table.name} (${lines.join(', ')}) ${table.partitioned ? 'PARTITION BY LIST (region)' : ''};
			${table.partitioned ? this.partitionsSql(table) : ''}
			${between};
			${this.trackSql(table)};
			SELECT witness.watch('${table.name}', '${table.label}');`
	}

	partitionsSql(table) {
		return `CREATE TABLE ${table.name}_a PARTITION OF ${table.name} FOR VALUES IN ('a');
			CREATE TABLE ${table.name}_b PARTITION OF ${table.name} FOR VALUES IN ('b');
			CREATE TABLE ${table.name}_c PARTITION OF ${table.name} FOR VALUES IN ('c') PARTITION BY RANGE (n);
			CREATE TABLE ${table.name}_c1 PARTITION OF ${table.name}_c FOR VALUES FROM (MINVALUE) TO (30);
			CREATE TABLE ${table.name}_c2 PARTITION OF ${table.name}_c FOR VALUES FROM (30) TO (MAXVALUE);
			CREATE TABLE ${table.name}_d PARTITION OF ${table.name} FOR VALUES IN ('d');`
	}

	trackSql(table) {
		return `SELECT lockstep.track('${table.name}', version_column => '${table.version}'${table.has_secret ? ", exclude_columns => '{secret}'" : ''})`
	}

	/// What users' triggers call: they write the same row, its neighbours, other tracked tables, and at commit.
	functionsSql() {
		return `
			CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				INSERT INTO tally (id, n1) VALUES (1 + floor(random() * 25), 1) ON CONFLICT (id) DO UPDATE SET n1 = tally.n1 + 1;
				RETURN NULL;
			END $$;
			CREATE FUNCTION same_row() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				UPDATE plain SET note = left(note, 9) || '~' WHERE ${this.tables.plain.key.map(([name]) => `${name} = NEW.${name}`).join(' AND ')};
				RETURN NULL;
			END $$;
			CREATE FUNCTION neighbours() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				UPDATE tree SET note = left(tree.note, 9) || '+' WHERE tree.id BETWEEN NEW.id - 1 AND NEW.id + 1 AND tree.id <> NEW.id;
				RETURN NULL;
			END $$;
			CREATE FUNCTION change_note() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				NEW.note := left(NEW.note, 20) || '!';
				RETURN NEW;
			END $$;
			CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				RETURN NULL;
			END $$;
			CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				INSERT INTO journal (note) VALUES (TG_OP);
				IF random() < 0.3 THEN
					UPDATE other SET n1 = n1 + 1 WHERE ctid IN (SELECT ctid FROM other LIMIT 1 FOR UPDATE SKIP LOCKED);
				END IF;
				RETURN NULL;
			END $$;`
	}

	/// Users' triggers, label → [SQL].
	triggers() {
		const all = [
			['parent', `CREATE TRIGGER tally AFTER UPDATE OR DELETE ON parent FOR EACH ROW WHEN (OLD.note < 'n') EXECUTE FUNCTION tally('parent')`],
			['part', `CREATE TRIGGER tally AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION tally('part')`],
			['plain', `CREATE TRIGGER same_row AFTER INSERT OR UPDATE ON plain FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NEW.note > 'k') EXECUTE FUNCTION same_row()`],
			['tree', `CREATE TRIGGER neighbours AFTER UPDATE ON tree FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION neighbours()`],
			['child', `CREATE TRIGGER change_note BEFORE INSERT OR UPDATE ON child FOR EACH ROW WHEN (NEW.note < 'f') EXECUTE FUNCTION change_note()`],
			['other', `CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON other FOR EACH ROW WHEN (OLD.note LIKE 'a%') EXECUTE FUNCTION refuse()`],
			['child', `CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR DELETE ON child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()`],
			['part', `CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON part DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()`],
		]
		const chosen = Object.fromEntries(Object.keys(this.tables).map((label) => [label, []]))
		for (const [label, sql] of all) if (this.random.chance(0.6)) chosen[label].push(sql)
		return chosen
	}
}

export function keyLiterals(random, table) {
	return table.key.map(([name, type]) => [name, name === 'region' ? `'${random.pick(regions)}'` : keys[type](random)])
}

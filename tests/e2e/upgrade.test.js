// ALTER EXTENSION lockstep UPDATE: a database of 0.1.0 becomes what a fresh one is, and keeps what it has.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster, ROOT } from '../harness/cluster.js';

const OLD = '0.1.0';
const OLD_SCRIPT = join(ROOT, 'tests/upgrade', `lockstep--${OLD}.sql`);

// Everything that belongs to the extension, a line for each fact. Fails to tell apart only what no one could see.
const DESCRIBE = `
WITH member AS (
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'lockstep'
), relation AS (
	SELECT c.* FROM pg_class c WHERE c.oid IN (SELECT m.objid FROM member m WHERE m.classid = 'pg_class'::regclass
		UNION SELECT i.indexrelid FROM pg_index i JOIN member m ON m.objid = i.indrelid AND m.classid = 'pg_class'::regclass)
)
SELECT 'member ' || pg_describe_object(classid, objid, 0) || ': ' || coalesce(obj_description(objid, classid::regclass::text::name), '-') FROM member
UNION ALL SELECT 'function ' || p.oid::regprocedure || ' ' || p.proowner::regrole || coalesce(' ' || (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(p.proacl) a), '') || ' ' || pg_get_functiondef(p.oid)
	FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass WHERE p.prokind = 'f'
UNION ALL SELECT 'relation ' || oid::regclass || ' ' || relkind::text || relpersistence::text || ' ' || coalesce((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a), '') || coalesce(reloptions::text, '') FROM relation
UNION ALL SELECT 'column ' || r.oid::regclass || ' ' || row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum) || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
		|| ' ' || a.attnotnull || a.attstorage::text || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') || coalesce(': ' || col_description(r.oid, a.attnum), '')
	FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
UNION ALL SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN relation r ON r.oid = i.indrelid
UNION ALL SELECT 'constraint ' || r.oid::regclass || ' ' || c.conname || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid
UNION ALL SELECT 'view ' || r.oid::regclass || ' ' || pg_get_viewdef(r.oid) FROM relation r WHERE r.relkind = 'v'
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(g.oid) || g.tgenabled::text FROM pg_trigger g JOIN relation r ON r.oid = g.tgrelid
UNION ALL SELECT 'sequence ' || s.seqrelid::regclass || ' ' || s.seqstart || ' ' || s.seqincrement || ' ' || s.seqcache || ' ' || s.seqtypid::regtype FROM pg_sequence s JOIN relation r ON r.oid = s.seqrelid
UNION ALL SELECT 'event trigger ' || e.evtname || ' ' || e.evtevent || ' ' || e.evtfoid::regproc || ' ' || e.evtenabled::text || ' ' || coalesce((SELECT string_agg(t, ',' ORDER BY t) FROM unnest(e.evttags) t), '')
	FROM pg_event_trigger e JOIN member m ON m.objid = e.oid AND m.classid = 'pg_event_trigger'::regclass
UNION ALL SELECT 'aggregate ' || a.aggfnoid::regprocedure || ' ' || a.aggtransfn::regprocedure || ' ' || a.aggcombinefn::regprocedure || ' ' || a.aggtranstype::regtype || ' ' || coalesce(a.agginitval, '-') || ' ' || p.proparallel::text
	FROM pg_aggregate a JOIN member m ON m.objid = a.aggfnoid AND m.classid = 'pg_proc'::regclass JOIN pg_proc p ON p.oid = a.aggfnoid
UNION ALL SELECT 'type ' || t.oid::regtype || ' ' || t.typlen || t.typalign::text || t.typstorage::text || t.typcategory::text || ' ' || t.typinput || ' ' || t.typoutput || ' ' || t.typreceive || ' ' || t.typsend
	FROM pg_type t JOIN member m ON m.objid = t.oid AND m.classid = 'pg_type'::regclass WHERE t.typtype = 'b'
UNION ALL SELECT 'operator ' || o.oid::regoperator || ' ' || o.oprcode || ' ' || o.oprcom::regoperator || ' ' || o.oprnegate::regoperator || ' ' || o.oprrest || ' ' || o.oprjoin || ' ' || o.oprcanhash || o.oprcanmerge
	FROM pg_operator o JOIN member m ON m.objid = o.oid AND m.classid = 'pg_operator'::regclass
UNION ALL SELECT 'operator class ' || c.opcname || ' ' || a.amname || ' ' || f.opfname || ' ' || c.opcintype::regtype || ' ' || c.opcdefault
	FROM pg_opclass c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_opclass'::regclass JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_opfamily f ON f.oid = c.opcfamily
UNION ALL SELECT 'strategy ' || f.opfname || ' ' || o.amopmethod || ' ' || o.amopstrategy || ' ' || o.amopopr::regoperator
	FROM pg_amop o JOIN member m ON m.objid = o.amopfamily AND m.classid = 'pg_opfamily'::regclass JOIN pg_opfamily f ON f.oid = o.amopfamily
UNION ALL SELECT 'support ' || f.opfname || ' ' || f.opfmethod || ' ' || p.amprocnum || ' ' || p.amproc::regprocedure
	FROM pg_amproc p JOIN member m ON m.objid = p.amprocfamily AND m.classid = 'pg_opfamily'::regclass JOIN pg_opfamily f ON f.oid = p.amprocfamily
UNION ALL SELECT 'cast ' || castsource::regtype || ' ' || casttarget::regtype || ' ' || castfunc::regprocedure || ' ' || castcontext::text || castmethod::text
	FROM pg_cast c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_cast'::regclass
UNION ALL SELECT 'dumped ' || c.oid::regclass || ' ' || e.extcondition[c.place] FROM pg_extension e, unnest(e.extconfig) WITH ORDINALITY AS c (oid, place) WHERE e.extname = 'lockstep'
UNION ALL SELECT 'schema ' || n.nspname || ' ' || coalesce((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(n.nspacl) a), '') FROM pg_namespace n WHERE n.nspname = 'lockstep'
UNION ALL SELECT 'version ' || extversion FROM pg_extension WHERE extname = 'lockstep'
ORDER BY 1`;

let cluster;
let installed;

before(async () => {
	const sharedir = execFileSync(process.env.PG_CONFIG, ['--sharedir'], { encoding: 'utf8' }).trim();
	installed = join(sharedir, 'extension', `lockstep--${OLD}.sql`);
	await copyFile(OLD_SCRIPT, installed);
	cluster = await Cluster.start('upgrade', { max_prepared_transactions: '5' });
	for (const database of ['fresh', 'upgraded', 'used']) {
		await cluster.psql('-d', 'postgres', '-c', `CREATE DATABASE ${database}`);
	}
});

after(async () => {
	await cluster?.remove();
	if (installed) await rm(installed, { force: true });
});

test('an upgraded database is described like a fresh one', async () => {
	await cluster.sql('CREATE EXTENSION lockstep', 'fresh');
	await cluster.sql(`CREATE EXTENSION lockstep VERSION '${OLD}'`, 'upgraded');
	const describe = async (database) => (await cluster.sql(DESCRIBE, database)).map((row) => row.join('\t'));
	const old = await describe('upgraded');
	await cluster.sql('ALTER EXTENSION lockstep UPDATE', 'upgraded');
	const fresh = await describe('fresh');
	assert.ok(fresh.length > 300, 'the description says much');
	assert.notDeepEqual(old, fresh);
	const upgraded = await describe('upgraded');
	assert.deepEqual({ missing: fresh.filter((line) => !upgraded.includes(line)), 'too much': upgraded.filter((line) => !fresh.includes(line)) },
		{ missing: [], 'too much': [] }, 'what extension/upgrade/ must say as well');
});

test('an upgrade keeps the log, and readers their positions', async () => {
	await cluster.sql(`CREATE EXTENSION lockstep VERSION '${OLD}'`, 'used');
	// Tracked as 0.1.0 did it, whose library is not here: with its tables and triggers.
	await cluster.sql(`CREATE TABLE orders (id integer PRIMARY KEY, v text, row_version bigint NOT NULL DEFAULT 1);
		SELECT lockstep.ensure_segment(), lockstep.create_triggers('orders');
		INSERT INTO lockstep.tracked_table (relation, key_columns, version_column, exclude_columns, options)
		VALUES ('orders', '{id}', 'row_version', '{}', '{"conflict": "reject", "style": "auto", "unversioned": "allow", "enforce_locks": true}')`, 'used');
	// The new library with the old tables: refused, and said why; nothing is written past the log.
	await assert.rejects(cluster.sql("INSERT INTO orders VALUES (1, 'a')", 'used'), /has an earlier version in this database.*ALTER EXTENSION lockstep UPDATE/s);
	await cluster.sql('ALTER EXTENSION lockstep UPDATE', 'used');
	const [[position]] = await cluster.sql('SELECT lockstep.position()', 'used');
	await cluster.sql("INSERT INTO orders VALUES (1, 'a')", 'used');
	await cluster.sql('SELECT lockstep.maintain()', 'used');
	assert.deepEqual(await cluster.sql(`SELECT op, key FROM lockstep.changes('${position}')`, 'used'), [['insert', '{"id": 1}']]);
	assert.deepEqual(await cluster.sql("SELECT name, status, detail FROM lockstep.doctor() WHERE status = 'error' OR name IN ('version', 'table public.orders')", 'used'),
		[['version', 'ok', (await cluster.sql("SELECT default_version FROM pg_available_extensions WHERE name = 'lockstep'"))[0][0]], ['table public.orders', 'ok', 'tracked']]);
});

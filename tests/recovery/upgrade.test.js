// From 0.1.0 to this version: what the old library wrote, and the positions that it handed out, are as good under the new one.
//
// The old library is not here. What it wrote and handed out is told by SQL as it did it: a block of numbers for each transaction, positions that end
// after the largest transaction number in the log, and the rows as they lie in a database that it has served.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { Cluster, ROOT } from '../harness/cluster.js';
import { bin, once, QUIET, refused, Session } from './servers.js';

const OLD = '0.1.0';
let installed;
before(async () => {
	installed = join(execFileSync(bin('pg_config'), ['--sharedir'], { encoding: 'utf8' }).trim(), 'extension', `lockstep--${OLD}.sql`);
	await copyFile(join(ROOT, 'tests/upgrade', `lockstep--${OLD}.sql`), installed);
});
after(() => rm(installed, { force: true }));

const AS_THE_OLD_LIBRARY = `
CREATE TABLE public.item (id integer PRIMARY KEY, v text, row_version bigint NOT NULL DEFAULT 1);
CREATE SCHEMA old;
-- A transaction's change of a row of item, in the table and in the log.
CREATE FUNCTION old.change(op text, id integer, v text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	was public.item;
	became public.item;
	number bigint := nullif(current_setting('old.number', true), '');
BEGIN
	-- The numbers of a transaction follow one another; the next one's are from another block.
	number := coalesce(number + 1, nextval('lockstep.change_seq'));
	PERFORM set_config('old.number', number::text, true);
	SELECT * INTO was FROM public.item i WHERE i.id = change.id;
	IF op = 'i' THEN
		INSERT INTO public.item VALUES (id, v) RETURNING * INTO became;
	ELSE
		UPDATE public.item i SET v = change.v, row_version = row_version + 1 WHERE i.id = change.id RETURNING * INTO became;
	END IF;
	INSERT INTO lockstep.change VALUES (pg_current_xact_id(), number, clock_timestamp(), became.row_version, id, 1, 'public.item'::regclass, 'public.item'::regclass,
		1, 1, (number - 1) % 1024, op::"char", jsonb_build_object('id', id), to_jsonb(became), CASE WHEN op = 'u' THEN jsonb_build_object('v', was.v, 'row_version', was.row_version) END);
END
$$;
CREATE FUNCTION old.position() RETURNS text STABLE LANGUAGE sql AS $$
	SELECT format('p1-%s-%s-%s-%s-%s-%s-%s', to_hex(s.system_identifier), d.oid, c.timeline_id, to_hex((pg_current_wal_flush_lsn() - '0/0')::bigint),
		coalesce(min(r.xid), bound.xmax), bound.xmax, string_agg(r.xid::text, ',' ORDER BY r.xid))
	FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d,
		(SELECT coalesce(max(xid::text::bigint) + 1, pg_snapshot_xmin(pg_current_snapshot())::text::bigint) FROM lockstep.change) bound (xmax)
		LEFT JOIN LATERAL (SELECT x::text::bigint FROM pg_snapshot_xip(pg_current_snapshot()) x) r (xid) ON r.xid < bound.xmax
	WHERE d.datname = current_database()
	GROUP BY s.system_identifier, d.oid, c.timeline_id, bound.xmax
$$`;

/** A server with the database shop of 0.1.0; nobody has written yet. */
async function oldShop(name, settings = {}) {
	const cluster = await Cluster.start(name, { ...QUIET, ...settings });
	await once(cluster, 'CREATE DATABASE shop', 'postgres');
	await once(cluster, `CREATE EXTENSION lockstep VERSION '${OLD}'; ${AS_THE_OLD_LIBRARY}; SELECT lockstep.ensure_segment();
		INSERT INTO lockstep.era SELECT 1, system_identifier, d.oid, timeline_id, now() FROM pg_control_system(), pg_control_checkpoint(), pg_database d WHERE datname = current_database();
		INSERT INTO lockstep.origin VALUES (1, 0, false, 'alice', 'tab', NULL, 'postgres', '', NULL);
		INSERT INTO lockstep.table_name VALUES ('item'::regclass, 'public.item'); SELECT lockstep.create_triggers('item');
		INSERT INTO lockstep.tracked_table (relation, key_columns, version_column, exclude_columns, options)
		VALUES ('item', '{id}', 'row_version', '{}', '{"conflict": "reject", "style": "auto", "unversioned": "allow", "enforce_locks": true}')`);
	const session = await Session.open(cluster);
	await triggers(session, 'D');
	await session.close();
	return cluster;
}

/** The triggers of item are asleep while 0.1.0 serves it: the new library refuses to write for it. Waking them takes no lock that the prepared transaction holds. */
const triggers = (session, enabled) => session.sql(`UPDATE pg_trigger SET tgenabled = '${enabled}' WHERE tgrelid = 'item'::regclass`);

/** What came after `since`, as "op id" and in the feed's order: read at once, and transaction by transaction. */
async function read(session, since) {
	const all = (await session.sql(`SELECT op || ' ' || (key ->> 'id') FROM lockstep.changes('${since}')`)).map(([text]) => text);
	const paged = [];
	for (let at = since, page; (page = await session.sql(`SELECT op || ' ' || (key ->> 'id'), position FROM lockstep.changes('${at}', max_changes => 1)`)).length > 0; at = page.at(-1)[1]) {
		paged.push(...page.map(([text]) => text));
	}
	assert.deepEqual([...paged].sort(), [...all].sort(), 'pages bring the same');
	return all;
}

const change = (op, id) => `SELECT old.change('${op}', ${id}, '${op}${id}')`;

test('readers with positions of 0.1.0 get exactly what they missed, over an update, a crash and new segments', async () => {
	const cluster = await oldShop('continued', { autovacuum: 'off' });
	try {
		let session = await Session.open(cluster);
		const position = () => session.value('SELECT old.position()');
		const start = await position();
		await session.sql(change('i', 1));
		const first = await position();
		const late = await Session.open(cluster);
		await late.sql(`BEGIN; ${change('i', 2)}`);
		await session.sql(`BEGIN; ${change('i', 3)}; PREPARE TRANSACTION 'left over'`);
		await session.sql(`BEGIN; ${change('i', 99)}; ROLLBACK`);
		await session.sql(`BEGIN; ${change('i', 4)}; ${change('u', 1)}; COMMIT`);
		const two = await position();
		await late.sql('COMMIT');
		const one = await position();
		assert.match(two, /-\d+,\d+$/, 'two are running');
		assert.match(one, /-\d+-\d+-\d+$/, 'one is running');
		await late.close();
		await triggers(session, 'A');
		await session.close();
		await cluster.stop();

		await cluster.again();
		session = await Session.open(cluster);
		await assert.rejects(session.changes(two), /has an earlier version in this database/);
		// The log is written anew, for which those that write to it must be done; nobody is made to wait for them.
		await assert.rejects(session.sql('ALTER EXTENSION lockstep UPDATE'), ({ code, message, detail, hint }) => code === '55P03' &&
			/still write to the log/.test(message) && /prepared transaction "left over"/.test(detail) && /COMMIT PREPARED/.test(hint));
		await session.sql("COMMIT PREPARED 'left over'");
		await session.sql('ALTER EXTENSION lockstep UPDATE');
		const missed = async (after = []) => {
			assert.deepEqual(await read(session, start), ['insert 1', 'insert 2', 'insert 3', 'insert 4', 'update 1', ...after]);
			assert.deepEqual(await read(session, first), ['insert 2', 'insert 3', 'insert 4', 'update 1', ...after]);
			assert.deepEqual(await read(session, two), ['insert 2', 'insert 3', ...after]);
			assert.deepEqual(await read(session, one), ['insert 3', ...after]);
		};
		await missed();
		await session.sql("INSERT INTO item VALUES (5, 'new')");
		await session.sql("UPDATE item SET v = 'new' WHERE id = 4");
		await missed(['insert 5', 'update 4']);
		// Who changed the row last is told from the old library's entry.
		await assert.rejects(session.sql("UPDATE item SET v = 'z', row_version = 1 WHERE id = 1"), ({ code, detail }) => code === 'LS001' && /"changed_by": "alice"/.test(detail));

		await session.close();
		await cluster.stop('kill');
		await cluster.again();
		session = await Session.open(cluster);
		await session.sql("INSERT INTO item VALUES (6, 'after the crash')");
		await missed(['insert 5', 'update 4', 'insert 6']);

		// The segment that 0.1.0 began is closed like any other, and its bounds are those of all that it holds.
		await session.sql('SELECT lockstep.maintain()');
		await session.sql("SET lockstep.segment_age = '1s'; UPDATE lockstep.segment SET opened_at = opened_at - interval '1 hour'");
		await session.sql('SELECT lockstep.maintain()');
		await session.sql('RESET lockstep.segment_age');
		await session.sql("INSERT INTO item VALUES (7, 'in another segment')");
		await session.sql('SELECT lockstep.maintain()');
		assert.deepEqual(await session.sql(`SELECT s.number, s.changes = count(*), (s.first_xid, s.last_xid) = (min(c.xid), max(c.xid)), (s.first_seq, s.last_seq) = (min(c.seq), max(c.seq))
			FROM lockstep.segment s JOIN lockstep.change c ON c.segment = s.number WHERE s.closed_at IS NOT NULL GROUP BY s.number`), [['1', 't', 't', 't']]);
		await missed(['insert 5', 'update 4', 'insert 6', 'insert 7']);

		// And dropped like any other: whose changes went with it is told so.
		const current = await session.position();
		await session.sql('SET lockstep.log_retention = 0; SELECT lockstep.maintain(); RESET lockstep.log_retention');
		assert.equal(await session.value("SELECT to_regclass('lockstep.change_1')"), null);
		for (const since of [start, first, two, one]) {
			await refused('LS004', session.changes(since));
		}
		assert.deepEqual(await read(session, current), []);
		await session.sql("INSERT INTO item VALUES (8, 'goes on')");
		assert.deepEqual(await read(session, current), ['insert 8']);
		await session.close();
	} finally {
		await cluster.remove();
	}
});

test('a position of 0.1.0 from before the log began, or from another database, stays refused', async () => {
	const cluster = await oldShop('refused');
	try {
		let session = await Session.open(cluster);
		await session.sql(change('i', 1));
		const position = await session.value('SELECT old.position()');
		const [, system, database, timeline, lsn, rest] = /^p1-(\w+)-(\d+)-(\d+)-(\w+)-(.*)$/.exec(position);
		await triggers(session, 'A');
		await session.sql('ALTER EXTENSION lockstep UPDATE');
		await session.close();
		session = await Session.open(cluster);
		const made = (changed) => Object.values({ kind: 'p1', system, database, timeline, lsn, rest, ...changed }).join('-');
		assert.deepEqual((await session.changes(made({}))).ids, []);
		const began = await session.value("SELECT to_hex((lsn - '0/0')::bigint - 8) FROM lockstep.beginning");
		await refused('LS004', session.changes(made({ lsn: began })));
		await refused('LS004', session.changes(made({ database: Number(database) + 1 })));
		await refused('LS004', session.changes(made({ timeline: Number(timeline) + 1 })));
		await session.close();
	} finally {
		await cluster.remove();
	}
});

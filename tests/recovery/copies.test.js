// Copies of a database by file: recovery to an earlier point, a data directory put back, a template, pg_upgrade.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { until } from '../harness/wait.js';
import { Cluster } from '../harness/cluster.js';
import { asServer, backup, bin, bindir, configure, copyFiles, dataOf, EARLIER_MAJORS, FOLLOWED, once, QUIET, refused, Session, shop } from './servers.js';

const insert = (id) => `INSERT INTO item VALUES (${id}, 'x')`;

test('recovery to an earlier point: positions from before it go on, those from after it are refused', async () => {
	const origin = await shop('origin', { ...FOLLOWED, archive_mode: 'on', archive_command: 'cp %p ../archive/%f' });
	let copy;
	try {
		const archive = join(await dataOf(origin), '../archive');
		await asServer('mkdir', '-p', archive);
		copy = await backup(origin, 'recovered', { standby: false });
		const here = await Session.open(origin);
		const start = await here.position();
		await here.sql(insert(1));
		const kept = await here.position();
		const [[target]] = await here.sql("SELECT pg_create_restore_point('here')");
		await here.sql(insert(2));
		const lost = await here.position();
		await here.sql('SELECT pg_switch_wal()');
		await until('the WAL is archived', async () => (await here.value(`SELECT last_archived_wal >= pg_walfile_name('${target}') FROM pg_stat_archiver`)) === 't');
		await configure(copy, { archive_mode: 'off', restore_command: `cp ${archive}/%f %p`, recovery_target_name: 'here', recovery_target_action: 'promote' });
		await asServer('touch', `${await dataOf(copy)}/recovery.signal`);
		await copy.again();
		await until('it is recovered', async () => (await once(copy, 'SELECT pg_is_in_recovery()'))[0][0] === 'f');
		const there = await Session.open(copy);
		await refused('LS004', there.changes(lost));
		for (let id = 3; id < 40; ++id) {
			await there.sql(insert(id));
		}
		await refused('LS004', there.changes(lost));
		const rest = Array.from({ length: 37 }, (_, i) => i + 3);
		assert.deepEqual((await there.changes(kept)).ids, rest);
		assert.deepEqual((await there.changes(start)).ids, [1, ...rest]);
		await there.close();
		await here.close();
	} finally {
		await copy?.remove();
		await origin.remove();
	}
});

/// Puts the data directory back as it was before change 2, and leaves the server stopped. Positions from before that (`kept`) and after it (`lost`).
async function putBack(cluster) {
	const before = await Session.open(cluster);
	await before.sql(insert(1));
	const kept = await before.position();
	await before.close();
	await cluster.stop();
	const data = await dataOf(cluster);
	await copyFiles(data, `${data}.copy`);
	await cluster.again();
	const after = await Session.open(cluster);
	await after.sql(insert(2));
	const lost = await after.position();
	await after.close();
	await cluster.stop();
	await copyFiles(`${data}.copy`, data);
	return { data, kept, lost };
}

test('a data directory that is put back with recovery.signal begins a timeline: what the lost one saw stays refused', async () => {
	const cluster = await shop('signalled', FOLLOWED);
	try {
		const { data, kept, lost } = await putBack(cluster);
		await configure(cluster, { restore_command: 'false' });
		await asServer('touch', `${data}/recovery.signal`);
		await cluster.again();
		await until('it is recovered', async () => (await once(cluster, 'SELECT pg_is_in_recovery()'))[0][0] === 'f');
		const session = await Session.open(cluster);
		for (let id = 3; id < 20; ++id) {
			await session.sql(insert(id));
		}
		await session.sql('SELECT pg_switch_wal()');
		await session.sql(insert(20));
		await refused('LS004', session.changes(lost));
		assert.deepEqual((await session.changes(kept)).ids, Array.from({ length: 18 }, (_, i) => i + 3));
		await session.close();
	} finally {
		await cluster.remove();
	}
});

test('a data directory that is put back: positions from before the copy go on, those from after it are refused until it has gone as far', async () => {
	const cluster = await shop('put_back', QUIET);
	try {
		const { kept, lost } = await putBack(cluster);
		await cluster.again();
		const session = await Session.open(cluster);
		await refused('LS004', session.changes(lost));
		await session.sql(insert(3));
		assert.deepEqual((await session.changes(kept)).ids, [3]);
		await session.close();
	} finally {
		await cluster.remove();
	}
});

test('a database made from another as its template is another', async () => {
	const cluster = await shop('template', QUIET);
	try {
		let session = await Session.open(cluster);
		await session.sql("SET lockstep.actor = 'alice'");
		await session.sql(insert(1));
		const position = await session.position();
		await session.close();
		await once(cluster, 'CREATE DATABASE branch TEMPLATE shop', 'postgres');
		session = await Session.open(cluster);
		const branch = await Session.open(cluster, 'branch');
		const start = await branch.position();
		await refused('LS004', branch.changes(position));
		await session.sql(insert(2));
		await branch.sql(insert(3));
		assert.deepEqual((await branch.changes(start)).ids, [3]);
		assert.deepEqual((await session.changes(position)).ids, [2]);
		await refused('LS004', session.changes(start));
		assert.deepEqual(await branch.sql('SELECT max(era) FROM lockstep.era'), [['2']]);
		await branch.sql("SET lockstep.actor = 'bob'; UPDATE item SET v = 'y' WHERE id = 1");
		await assert.rejects(branch.sql("UPDATE item SET v = 'z', row_version = 1 WHERE id = 1"), ({ detail }) => /"changed_by": "bob"/.test(detail));
		await Promise.all([session.close(), branch.close()]);
	} finally {
		await cluster.remove();
	}
});

async function upgradeFrom(major) {
	const old = await shop('upgraded', QUIET, { major });
	let fresh;
	try {
		let session = await Session.open(old);
		await session.sql("SET lockstep.actor = 'alice'");
		await session.sql(insert(1));
		await session.sql("UPDATE item SET v = 'y' WHERE id = 1");
		const position = await session.position();
		const checksums = await session.value('SHOW data_checksums');
		await session.close();
		await old.stop();
		fresh = await Cluster.start('upgrade', QUIET);
		const differ = (await once(fresh, 'SHOW data_checksums', 'postgres'))[0][0] !== checksums; // initdb's default since 18
		await fresh.stop();
		if (differ) {
			await asServer(bin('pg_checksums'), checksums === 'on' ? '--enable' : '--disable', '-D', await dataOf(fresh));
		}
		const work = join(await dataOf(fresh), '../work');
		await asServer('mkdir', '-p', work);
		await asServer('sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', work, bin('pg_upgrade'), '-b', bindir(major), '-B', bindir(),
			'-d', await dataOf(old), '-D', await dataOf(fresh), '-U', 'postgres', '-s', work);
		await fresh.again();
		session = await Session.open(fresh);
		await refused('LS004', session.changes(position));
		const start = await session.position();
		await assert.rejects(session.sql("UPDATE item SET v = 'z', row_version = 1 WHERE id = 1"), ({ code, detail }) => code === 'LS001' && /"changed_by": "alice"/.test(detail));
		await session.sql(insert(2));
		assert.deepEqual((await session.changes(start)).ids, [2]);
		assert.deepEqual(await session.sql('SELECT max(era), count(*) FROM lockstep.era'), [['2', '2']]);
		assert.deepEqual(await session.sql("SELECT name FROM lockstep.doctor() WHERE status = 'error'"), []);
		await session.close();
	} finally {
		await fresh?.remove();
		await old.remove();
	}
}

for (const major of [undefined, ...EARLIER_MAJORS]) {
	test(`pg_upgrade from ${major ?? 'the same major'}: versions, log and who changed what stay, positions are refused`, () => upgradeFrom(major));
}

// Servers that come from one another: by base backup, by a copy of the files, by pg_upgrade.

import { execFile, execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { Cluster, ROOT } from '../harness/cluster.js';
import { until } from '../harness/wait.js';

const run = promisify(execFile);
const types = { getTypeParser: () => (text) => text };

export const bin = (program) => join(dirname(process.env.PG_CONFIG ?? execFileSync(join(ROOT, 'scripts/pgtree'), { encoding: 'utf8' }).trim()), program);

/** Nothing writes WAL or makes it durable but what the test does: there is no worker either. */
export const QUIET = { autovacuum: 'off', wal_writer_delay: '10s', bgwriter_lru_maxpages: '0', checkpoint_timeout: '1h', wal_level: 'minimal', max_wal_senders: '0', shared_preload_libraries: '', max_prepared_transactions: '10' };
/** As the two, for servers that others follow. */
export const FOLLOWED = { wal_level: 'replica', hot_standby: 'on', autovacuum: 'off', max_prepared_transactions: '10', wal_keep_size: '64MB' };

/** A session: rows as arrays of text. Its loss shows in the next query. */
export class Session {
	static async open(cluster, database = 'shop') {
		const [host, port] = /host=(\S+) port=(\d+)/.exec(await cluster.conninfo(database, 'postgres')).slice(1);
		const session = new Session();
		session.client = new pg.Client({ host, port: Number(port), user: 'postgres', database, types });
		session.client.on('error', () => {});
		await session.client.connect();
		return session;
	}
	async sql(text) {
		const result = await this.client.query({ text, rowMode: 'array' });
		return (Array.isArray(result) ? result.at(-1) : result).rows;
	}
	async value(text) {
		return (await this.sql(text))[0]?.[0];
	}
	position() {
		return this.value('SELECT lockstep.position()');
	}
	/** What came after `since`: the ids of the rows, and where to go on from. */
	async changes(since, maxChanges) {
		const rows = await this.sql(`SELECT key ->> 'id', position FROM lockstep.changes('${since}'${maxChanges ? `, max_changes => ${maxChanges}` : ''})`);
		return { ids: rows.map(([id]) => Number(id)), position: rows.at(-1)?.[1] ?? since };
	}
	close() {
		return this.client.end().catch(() => {});
	}
}

/** Runs SQL in a session of its own. */
export async function once(cluster, text, database = 'shop') {
	const session = await Session.open(cluster, database);
	try {
		return await session.sql(text);
	} finally {
		await session.close();
	}
}

/** The majors before the one under test whose servers are here too, with the extension (tests/run sees to that). */
export const EARLIER_MAJORS = (process.env.LOCKSTEP_EARLIER_MAJORS ?? '').split(' ').filter((major) => major !== '');

/** The directory of a server's programs: of the one under test, or of another major's. */
export function bindir(major) {
	return dirname(major ? execFileSync(join(ROOT, 'scripts/pgtree'), { encoding: 'utf8', env: { ...process.env, PG_MAJOR: major } }).trim() : bin('postgres'));
}

/** A server with the database shop, in which `item` is tracked. `major`: of another server than the one under test. */
export async function shop(name, settings, { major } = {}) {
	const cluster = await Cluster.start(name, settings, { major });
	await once(cluster, 'CREATE DATABASE shop', 'postgres');
	await once(cluster, "CREATE EXTENSION lockstep; CREATE TABLE item (id int PRIMARY KEY, v text); SELECT lockstep.track('item')");
	return cluster;
}

function beside(cluster, name) {
	const other = new Cluster();
	other.directory = join(cluster.directory, name);
	other.path = other.directory;
	return other;
}

const shell = (script, ...rest) => run('bash', ['-c', `set -euo pipefail; . "$0/scripts/lib.sh"; ${script}`, ROOT, ...rest], { maxBuffer: 64 << 20 });

/** A base backup of a running server, not yet started. `standby`: it will follow. */
export async function backup(cluster, name, { standby = true } = {}) {
	const other = beside(cluster, name);
	await shell(
		'real=$(reachable_dir "$1"); [ "$(id -u)" -ne 0 ] || chown "$(server_user)" "$real"; as_server "$2" -d "$3" -D "$real/data" -X stream -c fast $4',
		other.path, bin('pg_basebackup'), await cluster.conninfo('postgres', 'postgres'), standby ? '-R' : '');
	await writeFile(join(other.path, 'port'), '54321\n');
	return other;
}

/** The files of a server that is stopped, under another name; and back. */
export const copyFiles = (from, to) => shell('as_server rm -rf "$2"; as_server cp -a "$1" "$2"', from, to);
export const dataOf = async (cluster) => (await shell('cd "$1" && pwd -P', cluster.path)).stdout.trim() + '/data';
export const asServer = (...command) => shell('as_server "$@"', ...command);

/** Appends settings to postgresql.conf. */
export async function configure(cluster, settings) {
	const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`).join('\n');
	await shell('printf "%s\\n" "$2" | as_server tee -a "$1/postgresql.conf" >/dev/null', await dataOf(cluster), lines);
}

/** Waits until a standby has replayed all that its primary has written. */
export async function replayed(primary, standby) {
	const [[lsn]] = await once(primary, 'SELECT pg_current_wal_flush_lsn()', 'postgres');
	await until('the standby has replayed', async () => (await once(standby, `SELECT pg_last_wal_replay_lsn() >= '${lsn}'`, 'postgres'))[0][0] === 't');
}

export async function promote(standby) {
	await once(standby, 'SELECT pg_promote()', 'postgres');
	await until('the standby is promoted', async () => (await once(standby, 'SELECT pg_is_in_recovery()', 'postgres'))[0][0] === 'f');
}

/** `attempt` fails with this SQLSTATE; returns the error. */
export async function refused(code, attempt) {
	try {
		await attempt;
	} catch (error) {
		if (error.code !== code) {
			throw error;
		}
		return error;
	}
	throw new Error(`this was answered instead of being refused with ${code}`);
}

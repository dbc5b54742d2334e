// A server under callgrind. Its processes are forked without exec, so each counts for itself.

import { execFileSync, spawn } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** For Stand.start(): valgrind is slow to touch much memory, and speed does not count here. */
export const VALGRIND_SETTINGS = { shared_buffers: '64MB', fsync: 'off', max_connections: '20', min_wal_size: '80MB' };

/** Restarts the stand's server under callgrind. Resolves with {countsOf(pid), stop()}. */
export async function startUnderValgrind(stand) {
	await stand.admin.end();
	await stand.clusterScript('stop');
	const data = realpathSync(join(stand.cluster, 'data'));
	const owner = execFileSync('id', ['-un', String(statSync(data).uid)], { encoding: 'utf8' }).trim();
	const command = ['valgrind', '--tool=callgrind', `--callgrind-out-file=${data}/callgrind.%p`, '--log-file=/dev/null', join(stand.bindir, 'postgres'), '-D', data];
	const argv = process.getuid() === 0 ? ['runuser', '-u', owner, '--', ...command] : command;
	const server = spawn(argv[0], argv.slice(1), { cwd: '/', stdio: 'ignore' });
	let ended = false;
	server.once('exit', () => (ended = true));
	server.once('error', () => (ended = true));
	for (;;) {
		try {
			stand.admin = await stand.connect('postgres');
			break;
		} catch (error) {
			if (ended) {
				throw new Error(`the server does not start under valgrind: ${error.message}`);
			}
			await new Promise((next) => setTimeout(next, 200));
		}
	}
	return {
		countsOf: (pid) => join(data, `callgrind.${pid}`),
		/** Ends the server; the stand has none afterwards. */
		stop: async () => {
			await stand.database.client.end();
			stand.database = undefined;
			await stand.admin.end();
			await stand.clusterScript('stop');
			await stand.clusterScript('start');
			stand.admin = await stand.connect('postgres');
		},
	};
}

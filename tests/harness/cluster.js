// A private cluster in a directory of its own, by scripts/cluster.
//
//   const cluster = await Cluster.start('e2e');
//   await cluster.psql('-d', 'postgres', '-c', 'CREATE DATABASE shop');
//   await cluster.conninfo('shop', 'shop_bridge');
//   await cluster.remove();
//
// tests/run names the directory for it (LOCKSTEP_TEST_DIR) and has installed the extension into the private server tree.

import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const SCRIPT = join(ROOT, 'scripts/cluster');

// A signal ends the process in the way that runs its exit handlers.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

export class Cluster {
	#environment = process.env;

	/** `settings`: of postgresql.conf, beyond fsync = off. `major`: of another server than the one under test. */
	static async start(name, settings = {}, { major } = {}) {
		const cluster = new Cluster();
		cluster.#environment = major ? { ...process.env, PG_MAJOR: major } : process.env;
		const parent = process.env.LOCKSTEP_TEST_DIR ?? join(ROOT, 'build');
		await mkdir(parent, { recursive: true });
		cluster.directory = await mkdtemp(join(parent, `${name}.`));
		cluster.path = join(cluster.directory, 'cluster');
		process.once('exit', cluster.#sweep);
		try {
			await chmod(cluster.directory, 0o755); // the server runs as another user
			const set = Object.entries({ fsync: 'off', ...settings }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
			await cluster.#script('init', ...set);
			await cluster.#script('start');
		} catch (error) {
			await cluster.remove();
			throw error;
		}
		return cluster;
	}

	#script(verb, ...rest) {
		return run(SCRIPT, [verb, this.path, ...rest], { maxBuffer: 64 << 20, env: this.#environment });
	}

	// Whatever ends this process, nothing stays running.
	#sweep = () => {
		execFileSync(SCRIPT, ['remove', this.path], { env: this.#environment });
		rmSync(this.directory, { recursive: true, force: true });
	};

	/** psql as superuser; resolves with {stdout, stderr}, rejects when it fails. */
	psql(...rest) {
		return this.#script('psql', ...rest);
	}

	/** Runs SQL as superuser, all or nothing; returns the rows as arrays of text. */
	async sql(text, database = 'postgres', before = []) {
		const options = ['-q', '-A', '-t', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-d', database];
		const { stdout } = await this.psql(...options, ...before, '-c', text);
		return stdout.split('\n').filter((line) => line !== '').map((line) => line.split('\t'));
	}

	async conninfo(database, user) {
		return (await this.#script('conninfo', database, user)).stdout.trim();
	}

	/** `mode`: fast, smart, immediate or kill. */
	stop(mode = 'fast') {
		return this.#script('stop', mode);
	}

	again() {
		return this.#script('start');
	}

	async remove() {
		await this.#script('remove');
		await rm(this.directory, { recursive: true, force: true });
		process.removeListener('exit', this.#sweep);
	}
}

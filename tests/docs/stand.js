// Where the examples run: one private cluster and one browser for all pages; for each page a database "shop", a folder that
// looks like a checkout, and a port that stands for 127.0.0.1:8420.

import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Bridge, BRIDGE } from '../harness/bridge.js';
import { launchBrowser } from '../harness/browser.js';
import { Cluster, ROOT } from '../harness/cluster.js';
import { freePort } from '../harness/wait.js';

const run = promisify(execFile);
const SHIMS = join(ROOT, 'tests/docs/shims');
// What a test does not do to the machine it runs on.
const REFUSED = ['apt', 'apt-get', 'systemctl', 'service', 'git', 'docker', 'npm', 'npx', 'pg_ctl', 'pg_ctlcluster', 'pg_lsclusters', 'reboot'];
// Folders of a server that stand in the examples.
const PLACES = ['/etc/lockstep', '/srv', '/var/backups', '/usr/local/bin'];

export class DocsStand {
	#browser = null;
	/** Milliseconds to wait for what an example promises. */
	patience = 15_000;

	static async start() {
		const stand = new DocsStand();
		stand.cluster = await Cluster.start('docs', { include_if_exists: 'docs.conf', max_prepared_transactions: '5', wal_level: 'logical' });
		const { stdout } = await run('bash', ['-c', 'eval "$("$0" env "$1")"; printf "%s\\n%s\\n%s" "$PGHOST" "$PGPORT" "$PATH"', join(ROOT, 'scripts/cluster'), stand.cluster.path]);
		[stand.socket, stand.port, stand.path] = stdout.split('\n');
		return stand;
	}

	async browser() {
		this.#browser ??= launchBrowser();
		return this.#browser;
	}

	/** A scene for one page. */
	async scene(name) {
		const scene = new Scene(this, name.replaceAll(/\W+/g, '-'));
		await scene.prepare();
		return scene;
	}

	async stop() {
		await (await this.#browser)?.close();
		await this.cluster.remove();
	}
}

class Scene {
	database = 'shop';
	#kept = new Map();
	#bridge = null;

	constructor(stand, name) {
		this.stand = stand;
		this.directory = join(stand.cluster.directory, name);
		this.www = join(this.directory, 'www');
	}

	async prepare() {
		const { stand, directory } = this;
		const bin = join(directory, 'bin');
		await mkdir(bin, { recursive: true });
		await mkdir(this.www);
		for (const entry of await readdir(ROOT)) {
			if (!['.git', 'build', 'bin', 'www', 'node_modules'].includes(entry)) {
				await symlink(join(ROOT, entry), join(directory, entry));
			}
		}
		await symlink(join(ROOT, 'tests/node_modules'), join(directory, 'node_modules'));
		for (const file of ['lockstep.js', 'lockstep.d.ts']) {
			await symlink(join(ROOT, 'client', file), join(directory, file));
		}
		for (const shim of await readdir(SHIMS)) {
			await symlink(join(SHIMS, shim), join(bin, shim));
		}
		for (const program of REFUSED) {
			await writeFile(join(bin, program), '#!/bin/sh\necho "$0 is not for tests: say in the page why this block is not run" >&2\nexit 97\n');
			await chmod(join(bin, program), 0o755);
		}
		await mkdir(join(directory, 'build/bridge'), { recursive: true });
		await symlink(join(SHIMS, 'lockstep-bridge'), join(directory, 'build/bridge/lockstep-bridge'));
		this.port = await freePort();
		this.env = {
			PATH: `${bin}:${stand.path}`,
			HOME: directory,
			LANG: 'C.UTF-8',
			PGHOST: stand.socket,
			PGPORT: stand.port,
			PGUSER: 'postgres',
			PGDATABASE: this.database,
			LOCKSTEP_BRIDGE_LISTEN: `127.0.0.1:${this.port}`,
			DOCS_ROOT: ROOT,
			DOCS_BRIDGE: BRIDGE,
			DOCS_BRIDGE_LOG: join(directory, 'bridge.log'),
			DOCS_BRIDGE_PID: join(directory, 'bridge.pid'),
			...(process.env.LOCKSTEP_TEST_DIR && { LOCKSTEP_TEST_DIR: process.env.LOCKSTEP_TEST_DIR }),
		};
		await stand.cluster.sql(`CREATE DATABASE ${this.database}`);
	}

	get patience() {
		return this.stand.patience;
	}

	/** An example's text with the places of this stand. */
	real(text) {
		// In one pass: the checkout itself may lie in /srv, and what was put in must not be replaced again.
		const places = new RegExp(`(?<![\\w/])(?:(?:/var)?(/run/postgresql)|(${PLACES.join('|')}))\\b`, 'g');
		return text
			.replaceAll(/\b(127\.0\.0\.1|localhost):8420\b/g, `127.0.0.1:${this.port}`)
			.replaceAll(places, (_, socket, place) => (socket ? this.stand.socket : join(this.directory, place)));
	}

	/** What came out, as the page would say it. */
	shown(text) {
		return text
			.replaceAll(`127.0.0.1:${this.port}`, '127.0.0.1:8420')
			.replaceAll(this.stand.socket, '/run/postgresql')
			.replaceAll(this.directory, '');
	}

	/** The thing of that name, made when it is first needed, and closed with the scene. */
	keep(name, make) {
		if (!this.#kept.has(name)) {
			this.#kept.set(name, make());
		}
		return this.#kept.get(name);
	}

	async drop(name) {
		const thing = await this.#kept.get(name);
		this.#kept.delete(name);
		await thing?.close?.();
	}

	/** A query's rows, as arrays of text. */
	rows(query) {
		return this.stand.cluster.sql(query, this.database);
	}

	/** The first value that a query gives, as text. */
	async query(text) {
		return (await this.rows(text))[0]?.[0] ?? '';
	}

	async startBridge(flags) {
		await this.stopBridge();
		const conninfo = await this.stand.cluster.conninfo(this.database, 'shop_bridge');
		this.#bridge = await Bridge.start(this.port, ['--db', conninfo, '--static', `/=${this.www}`, '--static', '/client=client', ...flags]);
	}

	/** SIGTERM for the page's bridge, and the end for those that commands have started. */
	async stopBridge() {
		await this.#bridge?.kill('SIGTERM');
		this.#bridge = null;
		const file = this.env.DOCS_BRIDGE_PID;
		if (existsSync(file)) {
			for (const pid of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
				try {
					process.kill(Number(pid), 'SIGKILL');
				} catch (error) {
					if (error.code !== 'ESRCH') throw error; // an example has ended it itself
				}
			}
			await rm(file);
		}
	}

	/** A tab in a profile of its own. */
	async newBrowserPage() {
		const context = await (await this.stand.browser()).newContext();
		return context.newPage();
	}

	#serverPath(name) {
		return join(this.stand.cluster.path, 'data', name);
	}

	readServerFile(name) {
		return readFile(this.#serverPath(name), 'utf8');
	}

	/** Runs `action` while a file of the data directory has that content. */
	async withServerFile(name, content, action) {
		const path = this.#serverPath(name);
		const before = existsSync(path) ? await this.readServerFile(name) : null;
		await writeFile(path, content);
		await chmod(path, 0o644);
		try {
			return await action();
		} finally {
			await (before === null ? rm(path) : writeFile(path, before));
		}
	}

	async close() {
		for (const name of [...this.#kept.keys()]) {
			await this.drop(name);
		}
		await this.stopBridge();
		const { cluster } = this.stand;
		await cluster.sql(`DROP DATABASE ${this.database} WITH (FORCE)`);
		const roles = await cluster.sql("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' AND rolname <> 'postgres'");
		for (const [role] of roles) {
			await cluster.sql(`DROP ROLE ${role}`);
		}
		await cluster.sql('ALTER SYSTEM RESET ALL');
		await rm(this.directory, { recursive: true });
	}
}

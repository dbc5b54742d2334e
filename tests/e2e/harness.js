// The whole chain for browser tests: a private cluster, the demo's database, the bridge, and Chromium.
//
//   const stand = await Stand.start();
//   const page = await stand.open('alice');          a person at the demo, with a browser profile of their own
//   await stand.sql("UPDATE registration …");        somebody at psql
//   await stand.killBridge(); await stand.startBridge(); await stand.stopServer('immediate'); await stand.startServer();
//   await stand.stop();
//
// tests/run sets PG_CONFIG's tree up and names what to use (LOCKSTEP_BRIDGE, LOCKSTEP_CHROMIUM, LOCKSTEP_TEST_DIR). By hand:
//   make install PG_CONFIG=$(scripts/pgtree) && make bridge && (cd tests && npm ci) && node --test tests/e2e/

import { chromium } from 'playwright-core';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const BRIDGE = process.env.LOCKSTEP_BRIDGE ?? join(ROOT, 'build/bridge/lockstep-bridge');
const DATABASE = 'casework';
const PATIENCE = 20_000;
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const CHROMIUM_FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

// The bridge's role, as scripts/demo grants it.
const GRANTS = `
	CREATE ROLE casework_bridge LOGIN;
	GRANT lockstep_bridge TO casework_bridge;
	GRANT SELECT, INSERT, UPDATE, DELETE ON public.registration TO casework_bridge;
`;

export class Stand {
	#browser = null;
	#bridge = null;
	#log = '';
	#flags = [];
	problems = []; // errors of pages: a test that expects none asserts that this is empty

	/** `flags`: more arguments for the bridge. */
	static async start(...flags) {
		const stand = new Stand();
		stand.#flags = flags;
		process.once('exit', stand.#sweep);
		try {
			await stand.#prepare();
		} catch (error) {
			await stand.stop();
			throw error;
		}
		return stand;
	}

	async #prepare() {
		if (!existsSync(BRIDGE)) {
			throw new Error(`there is no bridge at ${BRIDGE}; run "make bridge"`);
		}
		const parent = process.env.LOCKSTEP_TEST_DIR ?? join(ROOT, 'build');
		await mkdir(parent, { recursive: true });
		const directory = await mkdtemp(join(parent, 'e2e.'));
		this.cluster = join(directory, 'cluster');
		this.directory = directory;
		await chmod(directory, 0o755); // the server runs as another user
		await this.#cluster('init', '--set', 'fsync=off');
		await this.#cluster('start');
		await this.sql(`CREATE DATABASE ${DATABASE}`, { database: 'postgres' });
		await this.#cluster('psql', '-q', '-v', 'ON_ERROR_STOP=1', '-d', DATABASE, '-f', join(ROOT, 'examples/casework/schema.sql'));
		await this.sql(GRANTS);
		this.port = await freePort();
		this.url = `http://127.0.0.1:${this.port}/`;
		await this.startBridge();
		this.#browser = await chromium.launch({
			executablePath: process.env.LOCKSTEP_CHROMIUM || '/usr/bin/chromium',
			headless: true,
			args: CHROMIUM_FLAGS,
		});
	}

	async stop() {
		await this.#browser?.close();
		if (this.#bridge !== null) {
			await this.killBridge('SIGTERM');
		}
		if (this.cluster !== undefined) {
			await this.#cluster('remove');
		}
		if (this.directory !== undefined) {
			await rm(this.directory, { recursive: true, force: true });
		}
		process.removeListener('exit', this.#sweep);
	}

	// Whatever ends this process, nothing stays running.
	#sweep = () => {
		this.#bridge?.kill('SIGKILL');
		if (this.directory !== undefined) {
			execFileSync(join(ROOT, 'scripts/cluster'), ['remove', this.cluster]);
			rmSync(this.directory, { recursive: true, force: true });
		}
	};

	/** What the bridge has written. */
	get bridgeLog() {
		return this.#log;
	}

	#cluster(verb, ...rest) {
		return run(join(ROOT, 'scripts/cluster'), [verb, this.cluster, ...rest], { maxBuffer: 64 << 20 });
	}

	/** Runs SQL as a superuser at psql; returns the rows as arrays of text. `actor`: the name to work under. */
	async sql(text, { database = DATABASE, actor } = {}) {
		const commands = actor === undefined ? ['-c', text] : ['-c', `SET lockstep.actor = '${actor}'`, '-c', text];
		const options = ['-q', '-A', '-t', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-d', database];
		const { stdout } = await this.#cluster('psql', ...options, ...commands);
		return stdout.split('\n').filter((line) => line !== '').map((line) => line.split('\t'));
	}

	stopServer(mode = 'fast') {
		return this.#cluster('stop', mode);
	}

	startServer() {
		return this.#cluster('start');
	}

	async startBridge() {
		const { stdout } = await this.#cluster('conninfo', DATABASE, 'casework_bridge');
		const bridge = spawn(
			BRIDGE,
			['--db', stdout.trim(), ...this.#flags, '--listen', `127.0.0.1:${this.port}`, '--static', '/=examples/casework', '--static', '/client=client'],
			{ cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
		);
		bridge.stdout.on('data', (data) => (this.#log += data));
		bridge.stderr.on('data', (data) => (this.#log += data));
		bridge.ended = new Promise((done) => bridge.once('exit', (code, signal) => done({ code, signal })));
		this.#bridge = bridge;
		await Promise.race([
			until('the bridge is ready', async () => (await fetch(`${this.url}readyz`)).ok),
			bridge.ended.then(({ code, signal }) => {
				throw new Error(`the bridge ended at once (${code ?? signal}):\n${this.#log}`);
			}),
		]);
	}

	/** Ends the bridge; resolves with {code, signal}. */
	async killBridge(signal = 'SIGKILL') {
		const bridge = this.#bridge;
		this.#bridge = null;
		bridge.kill(signal);
		return bridge.ended;
	}

	/**
	 * The demo in a browser profile of its own, under that name, with the records on the screen. `clock`: let the test
	 * stop the page's time (page.clock); other options are those of a browser context.
	 */
	async open(name, { clock = false, ...options } = {}) {
		const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
		context.setDefaultTimeout(PATIENCE);
		const page = await context.newPage();
		if (clock) {
			await page.clock.install();
		}
		page.on('pageerror', (error) => this.problems.push(`${name}: ${error.stack}`));
		page.on('dialog', (dialog) => dialog.accept());
		await page.goto(this.url);
		await page.locator('dialog input[name=name]').fill(name);
		await page.getByRole('button', { name: 'Continue' }).click();
		await page.locator('#records tbody tr').first().waitFor();
		return page;
	}
}

/** Waits until `condition` holds (its errors count as "not yet"). */
export async function until(what, condition) {
	const end = Date.now() + PATIENCE;
	let last;
	for (;;) {
		try {
			if (await condition()) {
				return;
			}
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (Date.now() > end) {
			throw new Error(`waited in vain until ${what}${last === undefined ? '' : `: ${last.message}`}`);
		}
		await new Promise((next) => setTimeout(next, 25));
	}
}

function freePort() {
	return new Promise((done, fail) => {
		const server = createServer();
		server.once('error', fail);
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

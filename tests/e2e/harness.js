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

import { join } from 'node:path';
import { Bridge } from '../harness/bridge.js';
import { launchBrowser } from '../harness/browser.js';
import { Cluster, ROOT } from '../harness/cluster.js';
import { freePort, PATIENCE } from '../harness/wait.js';

export { ROOT } from '../harness/cluster.js';
export { until } from '../harness/wait.js';

const DATABASE = 'casework';

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
		try {
			await stand.#prepare();
		} catch (error) {
			await stand.stop();
			throw error;
		}
		return stand;
	}

	async #prepare() {
		this.cluster = await Cluster.start('e2e');
		this.directory = this.cluster.directory;
		await this.sql(`CREATE DATABASE ${DATABASE}`, { database: 'postgres' });
		await this.cluster.psql('-q', '-v', 'ON_ERROR_STOP=1', '-d', DATABASE, '-f', join(ROOT, 'examples/casework/schema.sql'));
		await this.sql(GRANTS);
		this.port = await freePort();
		this.url = `http://127.0.0.1:${this.port}/`;
		await this.startBridge();
		this.#browser = await launchBrowser();
	}

	async stop() {
		await this.#browser?.close();
		if (this.#bridge !== null) {
			await this.killBridge('SIGTERM');
		}
		await this.cluster?.remove();
	}

	/** What the bridges have written. */
	get bridgeLog() {
		return this.#log + (this.#bridge?.log ?? '');
	}

	/** Runs SQL as a superuser at psql; returns the rows as arrays of text. `actor`: the name to work under. */
	sql(text, { database = DATABASE, actor } = {}) {
		return this.cluster.sql(text, database, actor === undefined ? [] : ['-c', `SET lockstep.actor = '${actor}'`]);
	}

	stopServer(mode = 'fast') {
		return this.cluster.stop(mode);
	}

	startServer() {
		return this.cluster.again();
	}

	async startBridge() {
		const conninfo = await this.cluster.conninfo(DATABASE, 'casework_bridge');
		this.#bridge = await Bridge.start(this.port, [
			'--db', conninfo, ...this.#flags, '--static', '/=examples/casework', '--static', '/client=client',
		]);
	}

	/** Ends the bridge; resolves with {code, signal}. */
	async killBridge(signal = 'SIGKILL') {
		const bridge = this.#bridge;
		const ended = await bridge.kill(signal);
		this.#log += bridge.log;
		this.#bridge = null;
		return ended;
	}

	/** A browser profile of its own. */
	async context(options = {}) {
		const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
		context.setDefaultTimeout(PATIENCE);
		return context;
	}

	/**
	 * The demo in a browser profile of its own, under that name, with the records on the screen. `clock`: let the test
	 * stop the page's time (page.clock), which begins at `clockTime`; other options are those of a browser context.
	 */
	async open(name, { clock = false, clockTime, ...options } = {}) {
		const context = await this.context(options);
		const page = await context.newPage();
		if (clock) {
			await page.clock.install({ time: clockTime });
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

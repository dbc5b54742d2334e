// The bridge as a process of a test.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './cluster.js';
import { until } from './wait.js';

export const BRIDGE = process.env.LOCKSTEP_BRIDGE ?? join(ROOT, 'build/bridge/lockstep-bridge');

export class Bridge {
	/** What it has written. */
	log = '';
	#process = null;

	/**
	 * Starts it on that port of loopback and waits until it is ready. Relative paths in `flags` begin at the checkout;
	 * `environment` is added to this process's.
	 */
	static async start(port, flags, environment = {}) {
		if (!existsSync(BRIDGE)) {
			throw new Error(`there is no bridge at ${BRIDGE}; run "make bridge"`);
		}
		const bridge = new Bridge();
		bridge.port = port;
		const child = spawn(BRIDGE, [...flags, '--listen', `127.0.0.1:${port}`], {
			cwd: ROOT,
			env: { ...process.env, ...environment },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		bridge.#process = child;
		process.once('exit', bridge.#sweep);
		child.stdout.on('data', (data) => (bridge.log += data));
		child.stderr.on('data', (data) => (bridge.log += data));
		bridge.ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
		await Promise.race([
			until('the bridge is ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok),
			bridge.ended.then(({ code, signal }) => {
				throw new Error(`the bridge ended at once (${code ?? signal}):\n${bridge.log}`);
			}),
		]);
		return bridge;
	}

	#sweep = () => this.#process.kill('SIGKILL');

	/** Ends it; resolves with {code, signal}. */
	kill(signal = 'SIGKILL') {
		process.removeListener('exit', this.#sweep);
		this.#process.kill(signal);
		return this.ended;
	}
}

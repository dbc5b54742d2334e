// Tests wait for conditions, never for time.

import { createServer } from 'node:net';

/** Milliseconds after which a condition counts as one that will not come. */
export const PATIENCE = 20_000;

/** Waits until `condition` holds (its errors count as "not yet"); returns what it returned. */
export async function until(what, condition, patience = PATIENCE) {
	const end = Date.now() + patience;
	let last;
	for (;;) {
		try {
			const value = await condition();
			if (value) {
				return value;
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

/** A TCP port of loopback that nobody listens on. */
export function freePort() {
	return new Promise((done, fail) => {
		const server = createServer();
		server.once('error', fail);
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

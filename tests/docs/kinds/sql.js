// SQL, as a reader would paste it into psql. Each name is a session of its own that lasts as long as the page.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { until } from '../../harness/wait.js';

/** A psql that is fed piece by piece. */
class Session {
	#text = '';
	#process;
	#exit = null;

	constructor(scene, role) {
		// One pipe for both, so that errors stand where they came.
		this.#process = spawn('sh', ['-c', 'exec psql -X "$@" 2>&1', 'sh', '-d', scene.database, '-U', role], {
			env: scene.env,
			stdio: ['pipe', 'pipe', 'inherit'],
		});
		this.#process.stdout.setEncoding('utf8').on('data', (data) => (this.#text += data));
		this.#process.stdin.on('error', () => {}); // it has ended, which `exit` tells better
		this.#process.once('exit', (code) => (this.#exit = code));
	}

	async run(text) {
		const mark = randomUUID();
		const begin = this.#text.length;
		this.#process.stdin.write(`${text}\n\\echo ${mark}\n`);
		const end = await until(`psql has done "${text.slice(0, 40)}…"`, () => {
			if (this.#exit !== null) {
				return true;
			}
			return this.#text.includes(mark);
		});
		assert.ok(end);
		const whole = this.#text.slice(begin);
		return this.#exit === null ? whole.slice(0, whole.indexOf(mark)) : whole;
	}

	async close() {
		this.#process.stdin.end();
		this.#process.kill();
	}
}

/** `as`: the role, with an optional "/n" for another session of the same one. */
export async function sql(scene, { text, as = 'postgres' }) {
	const code = text.replaceAll(/--[^\n]*/g, '').trim();
	if (!/;$|\\\w+[^\n]*$/.test(code)) {
		return { output: () => '', problem: 'psql would wait for the end of this statement' };
	}
	const session = scene.keep(`psql ${as}`, () => new Session(scene, as.split('/')[0]));
	const printed = scene.shown(await session.run(scene.real(text)));
	return { output: () => printed };
}

/** Waits until a query says "t". */
sql.expect = async (scene, text) => {
	let found;
	await until(`"${text}" is true`, async () => {
		found = await scene.query(text);
		return found === 't';
	}, scene.patience).catch((error) => {
		throw new Error(`${error.message} (it is "${found}")`);
	});
};

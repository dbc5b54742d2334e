// Programs for Node and the TypeScript compiler. lockstep.js is beside them, and the packages of the tests are installed.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TSC } from '../../harness/typescript.js';

async function runNode(scene, name, text, before) {
	await writeFile(join(scene.directory, name), text);
	return new Promise((done) => {
		execFile(process.execPath, [...before, name], { cwd: scene.directory, env: scene.env, timeout: 20_000 }, (error, stdout, stderr) => {
			const printed = scene.shown(stdout + stderr);
			const problem = error === null ? undefined : `exit code ${error.code ?? error.signal}:\n${printed}`;
			done({ output: () => printed, problem });
		});
	});
}

export function nodeScript(scene, { text, line }) {
	return runNode(scene, `example-${line}.mjs`, scene.real(text), []);
}

/** Only checked, never run. */
export function typeScript(scene, { text, line }) {
	return runNode(scene, `example-${line}.mts`, text, TSC);
}

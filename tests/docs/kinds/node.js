// A program for Node. lockstep.js is beside it, and the packages of the tests are installed.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function nodeScript(scene, { text, line }) {
	const file = join(scene.directory, `example-${line}.mjs`);
	await writeFile(file, scene.real(text));
	return new Promise((done) => {
		execFile(process.execPath, [file], { cwd: scene.directory, env: scene.env, timeout: 20_000 }, (error, stdout, stderr) => {
			const printed = scene.shown(stdout + stderr);
			const problem = error === null ? undefined : `exit code ${error.code ?? error.signal}:\n${printed}`;
			done({ output: () => printed, problem });
		});
	});
}

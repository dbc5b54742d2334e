// Commands, as a reader would type them, in a folder that looks like a checkout. Programs that would change the machine are
// not to be had there; lockstep-bridge goes to the background, as if in another terminal.

import { execFile } from 'node:child_process';

export function shell(scene, { text }) {
	return new Promise((done) => {
		execFile(
			'bash',
			['-euo', 'pipefail', '-c', `exec 2>&1\n${scene.real(text)}`],
			{ cwd: scene.directory, env: scene.env, timeout: 30_000, maxBuffer: 16 << 20 },
			(error, stdout) => {
				const printed = scene.shown(stdout);
				const problem = error === null ? undefined : `exit code ${error.code ?? error.signal}:\n${printed}`;
				done({ output: () => printed, problem });
			},
		);
	});
}

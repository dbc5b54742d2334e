// Files: each is given to the program that reads it.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Bridge, BRIDGE } from '../../harness/bridge.js';
import { freePort } from '../../harness/wait.js';

const run = promisify(execFile);

/** A bridge for the rest of the page, as shop_bridge. `args`: more flags, or "stop". */
export async function bridge(scene, { args }) {
	await (args[0] === 'stop' ? scene.stopBridge() : scene.startBridge(args));
}

/** JSON: a bridge starts with it. */
export async function bridgeSettings(scene, { text, line }) {
	const settings = JSON.parse(scene.real(text));
	for (const mount of [settings.static ?? []].flat()) {
		await mkdir(mount.slice(mount.indexOf('=') + 1), { recursive: true });
	}
	const file = join(scene.directory, `bridge-${line}.json`);
	await writeFile(file, JSON.stringify(settings));
	const started = await Bridge.start(await freePort(), ['--config', file], { PGPORT: scene.env.PGPORT });
	const { code } = await started.kill('SIGTERM');
	return { output: () => '', problem: code === 0 ? undefined : `the bridge ended with exit code ${code}:\n${started.log}` };
}

/** Lines of postgresql.conf: the server reads them (and would take them at its next start). */
export async function serverSettings(scene, { text }) {
	// "could not be applied" may mean no more than that the server would have to be started anew.
	const problems = await scene.withServerFile('docs.conf', scene.real(text), () =>
		scene.query(`SELECT string_agg(format('%s: %s', coalesce(f.name, 'line ' || f.sourceline), coalesce(f.error, 'unknown')), E'\\n')
			FROM pg_file_settings f LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)
			WHERE f.sourcefile LIKE '%/docs.conf' AND (s.name IS NULL OR f.error IS NOT NULL AND NOT (
				f.error = 'setting could not be applied' AND s.context = 'postmaster' AND CASE s.vartype
					WHEN 'bool' THEN f.setting IN ('on', 'off') WHEN 'enum' THEN f.setting = ANY (s.enumvals)
					WHEN 'string' THEN true ELSE f.setting ~ '^-?[0-9.]+ *(B|kB|MB|GB|TB|us|ms|s|min|h|d)?$' END))`));
	return { output: () => '', problem: problems || undefined };
}

/** Lines of pg_hba.conf. */
export async function hostBased(scene, { text }) {
	const before = await scene.readServerFile('pg_hba.conf');
	const problems = await scene.withServerFile('pg_hba.conf', `${text}\n${before}`, () =>
		scene.query(`SELECT string_agg(format('line %s: %s', line_number, error), E'\\n') FROM pg_hba_file_rules WHERE error IS NOT NULL`));
	return { output: () => '', problem: problems || undefined };
}

/** A unit of systemd: systemd-analyze reads it, where there is one, and the program knows its flags. */
export async function unit(scene, { text, line }) {
	const file = join(scene.directory, `example-${line}.service`);
	const command = /^ExecStart=(\S*lockstep-bridge)\b(.*)$/m.exec(text);
	if (command === null) {
		return { output: () => '', problem: 'this unit starts no lockstep-bridge' };
	}
	await writeFile(file, text.replace(command[1], BRIDGE));
	const analyze = await run('sh', ['-c', 'command -v systemd-analyze || true']);
	if (analyze.stdout !== '') {
		const { stderr } = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file]).catch((error) => error);
		const complaints = stderr.split('\n').filter((said) => said.includes(`example-${line}.service`));
		if (complaints.length > 0) {
			return { output: () => '', problem: complaints.join('\n') };
		}
	}
	const help = (await run(BRIDGE, ['--help'])).stdout;
	const unknown = (command[2].match(/--[a-z-]+/g) ?? []).find((flag) => !new RegExp(`^  ${flag}( |$)`, 'm').test(help));
	return { output: () => '', problem: unknown && `lockstep-bridge knows no ${unknown}` };
}

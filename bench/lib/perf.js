// Where a process spends its time, by sampling its clock (hardware counters are not needed).

import { execFile, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Why perf cannot be used here, or undefined. */
export function perfProblem() {
	try {
		execFileSync('perf', ['stat', '-e', 'cpu-clock', 'true'], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
		return undefined;
	} catch (error) {
		return error.code === 'ENOENT' ? 'perf is not installed (Debian: linux-perf)' : `perf does not work: ${error.stderr.trim()}`;
	}
}

/**
 * Samples process `pid` for `seconds`, user space and kernel. Resolves with {objects, symbols}, lists of
 * {name, share}, most first; a symbol's name ends with its object. `directory` is for perf's file.
 */
export async function sample(pid, seconds, directory) {
	const file = join(directory, 'perf.data');
	const record = spawn('perf', ['record', '-e', 'cpu-clock', '-F', '1999', '-p', String(pid), '-o', file, '--', 'sleep', String(seconds)], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let complaint = '';
	record.stderr.on('data', (data) => (complaint += data));
	const code = await new Promise((done) => record.once('exit', done));
	if (code !== 0) {
		throw new Error(`perf record: ${complaint}`);
	}
	return { objects: await report(file, 'dso'), symbols: await report(file, 'symbol,dso') };
}

async function report(file, sort) {
	const { stdout } = await promisify(execFile)('perf', ['report', '-i', file, '--stdio', '--no-children', '-g', 'none', '-F', `overhead,${sort}`, '--field-separator', '\t'], {
		maxBuffer: 64 << 20,
	});
	const shares = new Map();
	for (const line of stdout.split('\n')) {
		const [share, ...names] = line.split('\t').map((cell) => cell.trim());
		if (!/^\d+(\.\d+)?%$/.test(share)) {
			continue;
		}
		// "[.] name" in user space, "[k] name" in the kernel; without symbols, an address for each sample.
		const words = names.map((name) => name.replace(/^\[[.k]\] /, '').replace(/^0x[0-9a-f]+$/, '(no name)').replace('[kernel.kallsyms]', 'kernel'));
		const name = words.join(' ');
		shares.set(name, (shares.get(name) ?? 0) + Number(share.slice(0, -1)) / 100);
	}
	return [...shares].map(([name, share]) => ({ name, share })).sort((a, b) => b.share - a.share);
}

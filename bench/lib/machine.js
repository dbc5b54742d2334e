// What the figures were taken on.

import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './stats.js';
import { ROOT } from './root.js';

const git = (...argv) => execFileSync('git', ['-C', ROOT, ...argv], { encoding: 'utf8' }).trim();

/** The commit that is measured, with a + when files that are built from differ from it; "unknown" outside of a Git checkout. */
export function revision() {
	try {
		const changed = git('status', '--porcelain', '--', 'extension', 'bridge', 'bench/load', 'bench/measure', 'bench/variants.js');
		return git('rev-parse', '--short=10', 'HEAD') + (changed === '' ? '' : '+');
	} catch (error) {
		if (error.code === 'ENOENT' || error.status === 128) {
			return 'unknown'; // no git here, or no repository: an unpacked archive
		}
		throw error;
	}
}

/** `server`: what the server calls itself. `directory`: where the clusters lie. */
export function machine(server, directory) {
	const os = /^PRETTY_NAME="(.*)"/m.exec(readFileSync('/etc/os-release', 'utf8'));
	return {
		cpu: cpus()[0].model.trim(),
		cores: cpus().length,
		memory_gb: Math.round(totalmem() / 2 ** 30),
		kernel: release(),
		os: os === null ? 'unknown' : os[1],
		postgresql: server,
		fdatasync_us: Math.round(fdatasyncMicroseconds(directory)),
	};
}

/** How long writing 8 kB over and flushing them takes, the median of 200. */
function fdatasyncMicroseconds(directory) {
	const path = join(directory, 'fdatasync');
	const file = openSync(path, 'w');
	const page = Buffer.alloc(8192, 'x');
	const times = [];
	for (let i = 0; i < 210; i += 1) {
		const begin = performance.now();
		writeSync(file, page, 0, page.length, 0);
		fdatasyncSync(file);
		if (i >= 10) {
			times.push((performance.now() - begin) * 1000);
		}
	}
	closeSync(file);
	unlinkSync(path);
	return median(times);
}

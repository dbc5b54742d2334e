// CPU time and memory of processes, from /proc.

import { readFileSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']));

/** Fields of /proc/PID/stat from the third on: the second, the name, may hold anything. */
function stat(pid) {
	const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
	return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU seconds of a process, all its threads, in user space and kernel. */
export function cpuSeconds(pid) {
	const fields = stat(pid);
	return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Ticks of a process, and of its children that have ended and been waited for. */
function ticksOf(pid) {
	const fields = stat(pid);
	return { own: Number(fields[11]) + Number(fields[12]), ended: Number(fields[13]) + Number(fields[14]) };
}

function ticksOfChildren(parent) {
	let ticks = 0;
	for (const entry of readdirSync('/proc')) {
		if (!/^\d+$/.test(entry)) {
			continue;
		}
		try {
			const child = stat(entry);
			if (Number(child[1]) === parent) {
				ticks += Number(child[11]) + Number(child[12]);
			}
		} catch (error) {
			if (error.code !== 'ENOENT' && error.code !== 'ESRCH') {
				throw error; // a process that has just ended is no error
			}
		}
	}
	return ticks;
}

/** CPU seconds of a postmaster, its children, and its children that have ended. */
export function serverCpuSeconds(postmaster) {
	// A child that ends meanwhile moves from one sum to the other, and could be in neither or in both.
	for (;;) {
		const before = ticksOf(postmaster).ended;
		const children = ticksOfChildren(postmaster);
		const { own, ended } = ticksOf(postmaster);
		if (ended === before) {
			return (own + ended + children) / TICKS;
		}
	}
}

function kilobytes(path, field) {
	const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'));
	if (found === null) {
		throw new Error(`no ${field} in ${path}`);
	}
	return Number(found[1]);
}

/** {rss, pss, peak} of a process in kB. */
export function memory(pid) {
	return {
		rss: kilobytes(`/proc/${pid}/smaps_rollup`, 'Rss'),
		pss: kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'),
		peak: kilobytes(`/proc/${pid}/status`, 'VmHWM'),
	};
}

/** Memory that the kernel holds for TCP sockets of the whole machine, in kB. */
export function socketMemory() {
	const found = /^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'));
	if (found === null) {
		throw new Error('no TCP memory in /proc/net/sockstat');
	}
	return Number(found[1]) * (Number(execFileSync('getconf', ['PAGESIZE'])) / 1024);
}

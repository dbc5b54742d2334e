import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';
import { cpuSeconds, memory, serverCpuSeconds } from '../lib/processes.js';

// Burns 300 ms of CPU time and says how much it has used in all.
const BURN = 'while (process.cpuUsage().user < 300000); const { user, system } = process.cpuUsage(); console.log((user + system) / 1e6);';

test('CPU time of children counts while they run and after they have ended', async () => {
	const own = () => serverCpuSeconds(process.pid) - cpuSeconds(process.pid);
	const before = own();
	const ended = Number(execFileSync(process.execPath, ['-e', BURN]));
	const afterOne = own();
	assert.ok(afterOne - before > ended - 0.05, `${afterOne - before} s of ${ended} s`);

	const child = spawn(process.execPath, ['-e', `${BURN} setInterval(() => {}, 1000)`], { stdio: ['ignore', 'pipe', 'inherit'] });
	const [used] = await new Promise((done) => child.stdout.once('data', (data) => done(data.toString().split('\n'))));
	const afterTwo = own();
	assert.ok(afterTwo - afterOne > Number(used) - 0.05, `${afterTwo - afterOne} s of ${used} s`);
	child.kill();
	await new Promise((done) => child.once('exit', done));
	assert.ok(own() >= afterTwo - 0.02, 'what a child has used does not vanish with it');
});

test('memory is that of the process', () => {
	const { rss, pss, peak } = memory(process.pid);
	assert.ok(pss > 0 && pss <= rss && rss <= peak + 1024, JSON.stringify({ rss, pss, peak }));
});

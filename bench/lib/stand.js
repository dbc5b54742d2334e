// What measurements stand on: a private cluster with fresh databases, pgbench, bridges, and the load client.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../../tests/harness/wait.js';
import { serverCpuSeconds } from './processes.js';
import { ROOT } from './root.js';

const run = promisify(execFile);
const BRIDGE = join(ROOT, 'build/bridge/lockstep-bridge');
const LOAD = join(ROOT, 'build/bridge/bench-load');

// As a server that is set up for writing, except that nothing happens at times of its own: fsync is on.
const SETTINGS = {
	shared_buffers: '1GB',
	max_connections: '200',
	min_wal_size: '4GB',
	max_wal_size: '16GB',
	checkpoint_timeout: '1h',
	autovacuum: 'off',
	jit: 'off',
};

function bindir() {
	const pgConfig = execFileSync(join(ROOT, 'scripts/pgtree'), { encoding: 'utf8' }).trim();
	return execFileSync(pgConfig, ['--bindir'], { encoding: 'utf8' }).trim();
}

export class Stand {
	#children = new Set();
	#databases = 0;

	/** `settings`: more or other settings of the server. */
	static async start(settings = {}) {
		const stand = new Stand();
		process.once('exit', stand.#sweep);
		const parent = process.env.LOCKSTEP_TEST_DIR ?? join(ROOT, 'build');
		await mkdir(parent, { recursive: true });
		stand.directory = await mkdtemp(join(parent, 'bench.'));
		await chmod(stand.directory, 0o755); // the server may run as another user
		stand.cluster = join(stand.directory, 'pg');
		stand.settings = { ...SETTINGS, ...settings };
		stand.bindir = bindir();
		const given = Object.entries(stand.settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
		await stand.clusterScript('init', ...given);
		await stand.clusterScript('start');
		const { stdout } = await stand.clusterScript('conninfo');
		[, stand.host, stand.serverPort] = /^host=(.*) port=(\d+) /.exec(stdout);
		stand.postmaster = Number(readFileSync(join(stand.cluster, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
		stand.admin = await stand.connect('postgres');
		await stand.admin.query('CREATE ROLE bench_bridge LOGIN');
		return stand;
	}

	async stop() {
		await this.database?.client.end();
		await this.admin.end();
		this.#sweep();
		process.removeListener('exit', this.#sweep);
	}

	// Whatever ends this process, nothing stays running.
	#sweep = () => {
		for (const child of this.#children) {
			child.kill('SIGKILL');
		}
		if (this.cluster !== undefined) {
			execFileSync(join(ROOT, 'scripts/cluster'), ['remove', this.cluster]);
			rmSync(this.directory, { recursive: true, force: true });
		}
	};

	clusterScript(verb, ...rest) {
		return run(join(ROOT, 'scripts/cluster'), [verb, this.cluster, ...rest]);
	}

	conninfo(database, user = 'postgres') {
		return `host=${this.host} port=${this.serverPort} dbname=${database} user=${user}`;
	}

	/** A connected client of the package pg. */
	async connect(database) {
		const pg = createRequire(join(ROOT, 'tests/package.json'))('pg'); // scripts/install-deps bench puts it there
		const client = new pg.Client({ host: this.host, port: Number(this.serverPort), database, user: 'postgres' });
		await client.connect();
		return client;
	}

	/** Drops the last one. Resolves with {name, client}; the database has the extension. */
	async freshDatabase() {
		if (this.database !== undefined) {
			await this.database.client.end();
			await this.admin.query(`DROP DATABASE ${this.database.name} WITH (FORCE)`);
		}
		this.#databases += 1;
		const name = `bench_${this.#databases}`;
		await this.admin.query(`CREATE DATABASE ${name}`);
		const client = await this.connect(name);
		this.database = { name, client };
		await client.query('CREATE EXTENSION lockstep');
		await client.query('GRANT lockstep_bridge TO bench_bridge');
		return this.database;
	}

	/** Runs `work`; resolves with {result, cpu}: what it resolved with, and the CPU seconds that the server spent. */
	async withServerCpu(work) {
		const before = serverCpuSeconds(this.postmaster);
		const result = await work();
		return { result, cpu: serverCpuSeconds(this.postmaster) - before };
	}

	/**
	 * Runs pgbench on the present database for `seconds`, or each client for `transactions`, with `settings` of its sessions. Resolves with {tps, transactions,
	 * latency_ms, cpu_us}: cpu_us is what the server spends for each transaction.
	 */
	async pgbench(script, { clients, seconds, transactions, synchronous = true, settings = {} }) {
		const file = join(this.directory, 'script.sql');
		await writeFile(file, script);
		const limit = seconds === undefined ? ['-t', transactions] : ['-T', seconds];
		const threads = Math.min(clients, 2);
		const given = { synchronous_commit: synchronous ? 'on' : 'off', ...settings };
		const options = Object.entries(given).map(([name, value]) => `-c ${name}=${value}`).join(' ');
		const { result, cpu } = await this.withServerCpu(() =>
			run(
				join(this.bindir, 'pgbench'),
				['-n', '-M', 'prepared', '-h', this.host, '-p', this.serverPort, '-U', 'postgres', '-c', clients, '-j', threads, ...limit, '-f', file, this.database.name].map(String),
				{ env: { ...process.env, PGOPTIONS: options } },
			),
		);
		const number = (pattern) => {
			const found = pattern.exec(result.stdout);
			if (found === null) {
				throw new Error(`pgbench said neither what was expected nor that it failed:\n${result.stdout}${result.stderr}`);
			}
			return Number(found[1]);
		};
		const done = number(/^number of transactions actually processed: (\d+)/m);
		if (number(/^number of failed transactions: (\d+)/m) !== 0) {
			throw new Error(`transactions failed:\n${result.stdout}${result.stderr}`);
		}
		return {
			tps: number(/^tps = ([\d.]+) \(without initial connection time\)/m),
			transactions: done,
			latency_ms: number(/^latency average = ([\d.]+) ms/m),
			cpu_us: (cpu * 1e6) / done,
		};
	}

	/** Starts a bridge for the present database. Resolves with {pid, port, stop()}. */
	async bridge(...flags) {
		const port = await freePort();
		const bridge = this.#spawn(BRIDGE, ['--db', this.conninfo(this.database.name, 'bench_bridge'), '--listen', `127.0.0.1:${port}`, '--log-level', 'warn', ...flags]);
		let log = '';
		bridge.stderr.on('data', (data) => (log += data));
		bridge.stdout.resume();
		const url = `http://127.0.0.1:${port}`;
		const ready = () => fetch(`${url}/readyz`).then((answer) => answer.ok, () => false);
		while (!(await ready())) {
			if (bridge.exitCode !== null) {
				throw new Error(`the bridge ended at once:\n${log}`);
			}
			await new Promise((next) => setTimeout(next, 20));
		}
		return {
			pid: bridge.pid,
			port,
			stop: async () => {
				bridge.kill('SIGTERM');
				await bridge.ended;
				if (log !== '') {
					console.error(`the bridge said:\n${log}`);
				}
			},
		};
	}

	/**
	 * Starts the load client; `onEvent(event)` is called for each of its events. Returns {result, endInput()}: `result` is a promise
	 * of the last event, and is rejected when the client failed.
	 */
	load(mode, options, onEvent = () => {}) {
		const argv = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
		const load = this.#spawn(LOAD, [mode, ...argv], { stdin: 'pipe' });
		let complaint = '';
		load.stderr.on('data', (data) => (complaint += data));
		let last;
		const lines = createInterface({ input: load.stdout });
		lines.on('line', (line) => {
			last = JSON.parse(line);
			onEvent(last);
		});
		const result = Promise.all([load.ended, new Promise((done) => lines.once('close', done))]).then(([code]) => {
			if (code !== 0 || last?.event !== 'result') {
				throw new Error(`bench-load ${mode} ${argv.join(' ')}: exit code ${code}\n${complaint}${JSON.stringify(last)}`);
			}
			return last;
		});
		return { result, endInput: () => load.stdin.end() };
	}

	#spawn(command, argv, { stdin = 'ignore' } = {}) {
		if (!existsSync(command)) {
			throw new Error(`there is no ${command}; "make bench" builds it`);
		}
		const child = spawn(command, argv, { stdio: [stdin, 'pipe', 'pipe'] });
		this.#children.add(child);
		child.ended = new Promise((done) =>
			child.once('exit', (code, signal) => {
				this.#children.delete(child);
				done(code ?? signal);
			}),
		);
		return child;
	}
}

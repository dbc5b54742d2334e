// The private cluster, the bridge, and their misfortunes.

import { spawn, execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

// Everything stays text: no date, number or JSON is to change on its way.
const types = { getTypeParser: () => (text) => text }

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function freePort() {
	const server = net.createServer().listen(0, '127.0.0.1')
	await once(server, 'listening')
	const { port } = server.address()
	server.close()
	await once(server, 'close')
	return port
}

function directory() {
	if (process.env.LOCKSTEP_TEST_DIR) return path.join(process.env.LOCKSTEP_TEST_DIR, 'oracle')
	mkdirSync(path.join(root, 'build'), { recursive: true })
	const dir = mkdtempSync(path.join(root, 'build/oracle.'))
	chmodSync(dir, 0o755) // the server may run as another user
	return dir
}

export class Place {
	constructor() {
		this.dir = directory()
		this.cluster_dir = path.join(this.dir, 'pg')
		mkdirSync(this.dir, { recursive: true })
		this.log = createWriteStream(path.join(this.dir, 'bridge.log'), { flags: 'a' })
		this.bridge = null
		this.closing = false
	}

	async cluster(...args) {
		const [verb, ...rest] = args
		const { stdout } = await run(path.join(root, 'scripts/cluster'), [verb, this.cluster_dir, ...rest])
		return stdout
	}

	async open() {
		await this.cluster('init', '--set', 'max_connections=60', '--set', 'wal_writer_delay=200ms')
		await this.cluster('start')
		const settings = Object.fromEntries((await this.cluster('conninfo', 'oracle')).trim().split(' ').map((pair) => pair.split('=')))
		this.connection = { host: settings.host, port: Number(settings.port), user: 'postgres', database: 'oracle', types }
		await this.cluster('psql', '-qc', 'CREATE DATABASE oracle')
		this.port = await freePort()
		this.url = `ws://127.0.0.1:${this.port}/v1/socket`
	}

	/// A connected pg client whose later loss shows in the next query, not as an uncaught event.
	async connect() {
		const client = new pg.Client(this.connection)
		client.on('error', () => {})
		await client.connect()
		return client
	}

	/// As connect(), but waits for a server that is being restarted.
	async reconnect() {
		for (;;) {
			try {
				return await this.connect()
			} catch (error) {
				if (this.closing) throw error
				await sleep(50)
			}
		}
	}

	/// Runs `work(client)` until it ends without losing its connection.
	async insist(work) {
		for (;;) {
			const client = await this.reconnect()
			try {
				return await work(client)
			} catch (error) {
				if (!connectionLost(error)) throw error
			} finally {
				await client.end().catch(() => {})
			}
		}
	}

	async startBridge() {
		const program = process.env.LOCKSTEP_BRIDGE ?? path.join(root, 'build/bridge/lockstep-bridge')
		const db = `host=${this.connection.host} port=${this.connection.port} dbname=oracle user=oracle_bridge`
		const bridge = spawn(program, ['--db', db, '--listen', `127.0.0.1:${this.port}`], { stdio: ['ignore', 'pipe', 'pipe'] })
		bridge.stdout.pipe(this.log, { end: false })
		bridge.stderr.pipe(this.log, { end: false })
		this.bridge = bridge
		this.bridge_gone = once(bridge, 'exit')
		this.bridge_gone.then(([code, signal]) => {
			if (bridge === this.bridge) this.bridge_death = `the bridge ended by itself (code ${code}, signal ${signal})`
		})
		while (!this.bridge_death && !(await this.bridgeReady())) await sleep(20)
		if (this.bridge_death) throw new Error(`${this.bridge_death}, see ${this.log.path}`)
	}

	bridgeReady() {
		return new Promise((resolve) => {
			const request = http.get({ host: '127.0.0.1', port: this.port, path: '/readyz', agent: false }, (response) => {
				response.resume()
				resolve(response.statusCode === 200)
			})
			request.on('error', () => resolve(false))
		})
	}

	async stopBridge(signal) {
		const bridge = this.bridge
		this.bridge = null
		bridge.kill(signal)
		await this.bridge_gone
	}

	async restartServer(mode) {
		await this.cluster('restart', mode)
	}

	/// The last lines of the bridge's and the server's logs.
	logs() {
		return ['bridge.log', 'pg/log'].map((name) => {
			let text = ''
			try {
				text = readFileSync(path.join(this.dir, name), 'utf8')
			} catch (error) {
				text = `(${error.message})`
			}
			return `--- ${name}\n${text.trimEnd().split('\n').slice(-25).join('\n')}`
		}).join('\n')
	}

	async close(keep) {
		this.closing = true
		if (this.bridge) await this.stopBridge('SIGKILL')
		this.log.end()
		if (keep) return
		await this.cluster('remove').catch((error) => console.error(`could not remove the cluster: ${error.message}`))
		rmSync(this.dir, { recursive: true, force: true })
	}
}

/// Did the server go away (rather than refuse something)?
export function connectionLost(error) {
	return error.code === undefined || /^(57P0[123]|08...|ECONN.*|ENOENT|EPIPE)$/.test(error.code)
}

// What goes wrong with the world.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { sleep } from './place.js'
import { clock } from './truth.js'

const run = promisify(execFile)

const crashing = ['one backend killed', 'everything killed', 'immediate', 'fast', 'postmaster killed', 'terminated']
const deadly = ['one backend killed', 'everything killed', 'immediate', 'postmaster killed']
const names = [...crashing, 'cancelled', 'checkpoint', 'vacuum']

export class Faults {
	constructor(place, random, truth, say) {
		Object.assign(this, { place, random, truth, say })
		this.queue = []
		this.counts = Object.fromEntries(names.map((name) => [name, 0]))
	}

	/// In random order, each of them once before any comes again. `calm`: nobody loses a connection.
	async work(resting, calm, only_deadly) {
		while (!resting()) {
			await sleep(this.random.int(900, 3000))
			if (resting()) return
			if (only_deadly) {
				await this.happen(this.random.pick(deadly))
				continue
			}
			if (this.queue.length === 0) this.queue = names.map((name) => [this.random.next(), name]).sort((a, b) => a[0] - b[0]).map(([, name]) => name)
			const index = calm ? this.queue.findLastIndex((name) => !crashing.includes(name)) : this.queue.length - 1
			if (index < 0) continue
			await this.happen(this.queue.splice(index, 1)[0])
		}
	}

	async happen(name) {
		this.say(name)
		this.counts[name] += 1
		const { cluster } = this.place
		switch (name) {
		case 'one backend killed': {
			const victim = await this.victim()
			const before = await this.checkpointer()
			await this.crash(async () => {
				if (!kill(victim)) return
				// The postmaster ends all others and starts anew, once it has noticed: until then it lets people in, and what they commit is
				// lost. (It does not where the victim had ended by itself just now.)
				const patience = Date.now() + 10_000
				while ((await this.checkpointer()) === before && Date.now() < patience) await sleep(10)
			})
			break
		}
		case 'everything killed':
			await this.crash(async () => {
				const postmaster = Number(readFileSync(path.join(cluster.path, 'data/postmaster.pid'), 'utf8').split('\n')[0])
				const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(postmaster)])
				for (const pid of stdout.trim().split(/\s+/)) kill(Number(pid))
				await cluster.stop('kill')
				await cluster.again()
			})
			break
		case 'postmaster killed':
			await this.crash(async () => {
				await cluster.stop('kill')
				await cluster.again()
			})
			break
		case 'immediate':
			await this.crash(async () => {
				await cluster.stop('immediate')
				await cluster.again()
			})
			break
		case 'fast':
			await cluster.stop('fast')
			await cluster.again()
			break
		case 'terminated':
			await this.place.insist((client) => client.query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < 0.4`))
			break
		case 'cancelled':
			for (let i = 0; i < 8; i++) {
				await this.place.insist((client) => client.query(
					`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND backend_type = 'client backend'`))
				await sleep(this.random.int(0, 60))
			}
			break
		case 'checkpoint':
			await this.place.insist((client) => client.query('CHECKPOINT'))
			break
		case 'vacuum':
			await this.place.insist(async (client) => {
				await client.query(`VACUUM ${this.random.pick(['', '(FREEZE) '])}lockstep.change`)
				await client.query('SELECT lockstep.maintain()')
			})
			break
		}
	}

	/// Asynchronous commits that were asked for before it was over may be gone after.
	async crash(work) {
		await work()
		this.truth.crashed = clock()
	}

	/// It is another one after each crash.
	async checkpointer() {
		const { rows } = await this.place.insist((client) => client.query(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`))
		return rows[0]?.pid
	}

	async victim() {
		const { rows } = await this.place.insist((client) => client.query(
			`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'lockstep worker') ORDER BY random() LIMIT 1`))
		return rows.length > 0 ? Number(rows[0].pid) : null
	}
}

/// Was there such a process?
function kill(pid) {
	if (!pid) return false
	try {
		process.kill(pid, 'SIGKILL')
		return true
	} catch (error) {
		if (error.code !== 'ESRCH') throw error
		return false
	}
}

// The writers, in processes of their own.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const hands = 3 // processes

export class Crew {
	/// `truth` is told how each transaction ended.
	constructor(place, seed, number, truth) {
		const main = fileURLToPath(new URL('crew_main.js', import.meta.url))
		this.place = place
		this.stats = {}
		this.members = Array.from({ length: hands }, (_, index) => {
			const process = fork(main, [JSON.stringify({ connection: place.connection, name: place.name, seed, number, index })])
			const member = { process, fail: null, done: null }
			process.on('message', ({ note, done }) => {
				if (note) truth.note(...note)
				if (!done) return
				Object.assign(this.stats, done.stats)
				if (done.problem) member.fail(Object.assign(new Error(done.problem), { stack: done.problem }))
				else member.done()
			})
			process.on('exit', (code, signal) => member.fail?.(new Error(`a process of writers ended by itself: ${signal ?? code}`)))
			return member
		})
	}

	/// Writes until `over()`. `round`: { style: a name in styles, long: also a transaction that is open for long ('all': throughout), may_lose_place }.
	async work(round, over) {
		const working = this.members.map((member) => new Promise((resolve, reject) => {
			Object.assign(member, { done: resolve, fail: reject })
			member.process.send({ work: round })
		}))
		const all = Promise.all(working)
		all.catch(() => {})
		let failed = false
		for (const each of working) each.catch(() => { failed = true })
		while (!over() && !failed) await new Promise((resolve) => setTimeout(resolve, 20))
		for (const { process } of this.members) if (process.connected) process.send({ over: true })
		if (!this.place.closing) await all
	}

	dismiss() {
		for (const member of this.members) {
			member.fail = null
			member.process.kill()
		}
	}
}

// A client of the bridge, written against PROTOCOL and not against lockstep.js, so that a mistake in one is not excused by
// the same mistake in the other. It comes, goes, drops its connection in the middle of things, resumes, sleeps.

import { WebSocket } from 'ws'
import { canonical, parse } from '../harness/exact.js'
import { Divergence } from '../harness/feed.js'
import { sleep } from './place.js'
import { Replica } from './replica.js'

/// One subscription's life on one connection.
class Stream {
	constructor(id, replica) {
		this.id = id
		this.replica = replica
		this.sub = null
		this.snapshot = null // rows of an unfinished snapshot
		this.pieces = null // changes of an unfinished transaction
	}
}

export class SocketReader {
	constructor(name, place, random, subscriptions) {
		this.name = name
		this.place = place
		this.random = random
		this.replicas = subscriptions.map(({ table, filter, columns }) => new Replica(table, filter, columns))
		this.shapes = new Map() // replica → the shape its position belongs to
		this.stats = { connections: 0, frames: 0, refetches: 0, behind: 0, resumed: 0 }
		this.failure = null
		this.abandoned = false // stop, whatever is missing
		this.marker = null // table → key of the awaited row, as canonical text
	}

	describe() {
		return this.replicas.map((replica) => replica.describe()).join('; ')
	}

	/// Lives until `resting()`, and then on until every subscription has the awaited marker row.
	async read(resting) {
		while (!this.abandoned && !(resting() && this.caughtUp())) {
			await this.session(resting)
			if (this.failure) throw this.failure
			if (!resting()) await this.absence()
		}
	}

	explain(error) {
		for (const replica of this.replicas) {
			error.message += `\n  ${replica.describe()}, lately:\n    ${replica.story.map((event) => event.slice(0, 500)).join('\n    ')}`
		}
	}

	async absence() {
		const { random } = this
		for (const replica of this.replicas) {
			if (random.chance(0.07)) replica.forget()
		}
		await sleep(random.chance(0.3) ? random.int(200, 2500) : random.int(0, 50))
	}

	caughtUp() {
		return this.marker !== null && this.replicas.every((replica) => replica.rows?.has(this.marker[replica.table.name]))
	}

	// --- one connection ---------------------------------------------------------------------------------------

	/// Resolves when the connection is over, however it ends.
	async session(resting) {
		const socket = new WebSocket(this.place.url, 'lockstep.v1', { perMessageDeflate: false, handshakeTimeout: 5000 })
		this.socket = socket
		this.next_id = 1
		this.requests = new Map() // id → Stream, or null for others
		this.by_sub = new Map() // sub → Stream
		let opened = false
		const over = new Promise((resolve) => socket.on('close', resolve))
		socket.on('error', () => {}) // 'close' follows
		socket.on('open', () => {
			opened = true
			this.stats.connections += 1
			this.send({ type: 'hello', client: this.name }, null)
		})
		socket.on('message', (data, binary) => {
			if (this.failure) return
			try {
				if (binary) throw new Divergence('a binary message')
				this.stats.frames += 1
				this.receive(parse(data.toString()))
			} catch (error) {
				if (error instanceof Divergence) this.explain(error)
				this.failure = error
				socket.terminate()
			}
		})
		await Promise.race([over, this.life(socket, resting)])
		this.leave(socket, resting)
		await over
		for (const replica of this.replicas) replica.tell('connection over')
		if (!opened) await sleep(50)
	}

	/// How long this connection is kept. While resting: until everything is here.
	async life(socket, resting) {
		const { random } = this
		let left = random.chance(0.3) ? random.int(0, 300) : random.int(300, 6000)
		let nap = random.chance(0.15) ? left / 2 : -1
		while (socket.readyState !== WebSocket.CLOSED && !this.abandoned && (resting() ? !this.caughtUp() : left > 0)) {
			if (nap >= left && !resting()) {
				// A laptop that sleeps: nothing is read, and the bridge must neither wait nor forget.
				nap = -1
				socket.pause()
				await sleep(random.int(200, 3000))
				socket.resume()
			}
			await sleep(20)
			left -= 20
		}
	}

	leave(socket, resting) {
		const way = resting() ? 'close' : this.random.weighted({ terminate: 5, close: 3, unsubscribe: 2 })
		if (way === 'unsubscribe' && socket.readyState === WebSocket.OPEN) {
			for (const stream of this.by_sub.values()) {
				this.send({ type: 'unsubscribe', subscription: stream.id }, null)
			}
		}
		if (way === 'terminate') socket.terminate()
		else socket.close(1000)
	}

	send(message, stream) {
		const id = this.next_id++
		this.requests.set(id, { stream, type: message.type })
		this.socket.send(JSON.stringify({ ...message, id }))
		return id
	}

	subscribe(replica) {
		const { table, filter, columns } = replica
		const request = { type: 'subscribe', table: table.name }
		if (filter) request.where = filter.where
		if (columns) request.columns = columns
		if (replica.rows) {
			request.since = replica.position
			const shape = this.shapes.get(replica)
			if (shape !== undefined) request.shape = this.random.chance(0.03) ? `${shape}x` : shape
			this.stats.resumed += 1
		} else {
			request.snapshot = true
		}
		replica.tell(`subscribe ${request.since ? `since ${request.since}` : 'afresh'}`)
		const stream = new Stream(0, replica)
		stream.since = request.since
		stream.id = this.send(request, stream)
	}

	// --- messages ---------------------------------------------------------------------------------------------

	receive(message) {
		switch (message.type) {
		case 'welcome':
			for (const replica of this.replicas) this.subscribe(replica)
			return
		case 'subscribed':
			return this.subscribed(message)
		case 'snapshot':
			return this.snapshot(message)
		case 'changes':
			return this.changes(message)
		case 'position':
			for (const stream of this.by_sub.values()) {
				if (stream.snapshot || stream.pieces || !stream.replica.rows) {
					throw new Divergence('a position for all subscriptions came while one was unfinished')
				}
				stream.replica.tell(`position ${message.position}`)
				stream.replica.position = message.position
			}
			return
		case 'refetch':
			this.stats.refetches += 1
			this.expectState(this.stream(message))
			return
		case 'behind':
			this.stats.behind += 1
			this.stream(message)
			return
		case 'error':
			return this.error(message)
		case 'ok':
		case 'pong':
		case 'status':
		case 'goodbye':
			return
		default:
			throw new Divergence(`unexpected message ${canonical(message).slice(0, 300)}`)
		}
	}

	stream(message) {
		const stream = this.by_sub.get(message.sub)
		if (!stream) throw new Divergence(`a message for a subscription that is not ours: ${canonical(message).slice(0, 300)}`)
		return stream
	}

	subscribed(message) {
		const { stream } = this.requests.get(Number(message.id)) ?? {}
		if (!stream) throw new Divergence(`"subscribed" without a request: ${canonical(message)}`)
		const key = message.key.join()
		if (key !== stream.replica.table.key.join()) throw new Divergence(`the key of ${stream.replica.table.name} is said to be ${key}`)
		if (this.by_sub.has(message.sub)) throw new Divergence(`two different subscriptions share the name ${message.sub}`)
		stream.replica.tell(`subscribed as ${message.sub} at ${message.position}`)
		stream.sub = message.sub
		this.by_sub.set(message.sub, stream)
		this.shapes.set(stream.replica, message.shape)
		if (stream.since === undefined) {
			stream.snapshot = []
		} else if (message.position !== stream.since) {
			throw new Divergence(`resumed at ${message.position} instead of ${stream.since}`)
		}
	}

	expectState(stream) {
		stream.snapshot = []
		stream.pieces = null
		stream.replica.forget()
	}

	snapshot(message) {
		const stream = this.stream(message)
		if (!stream.snapshot) throw new Divergence(`a snapshot of ${message.sub} that nobody asked for`)
		stream.snapshot.push(...message.rows)
		if (!message.last) return
		if (typeof message.position !== 'string') throw new Divergence('the last part of a snapshot has no position')
		stream.replica.tell(`snapshot of ${stream.snapshot.length} rows at ${message.position}`)
		stream.replica.reset(stream.snapshot, message.position)
		stream.snapshot = null
	}

	changes(message) {
		const stream = this.stream(message)
		if (stream.snapshot) throw new Divergence(`changes of ${message.sub} came while its snapshot was incomplete`)
		if (message.coalesced) this.stats.behind += 1
		stream.replica.tell(`changes ${message.coalesced ? 'coalesced ' : ''}of ${message.transactions.map(({ xid, changes, more }) => `${xid}(${changes.length}${more ? ' and more' : ''})`)} to ${message.position}`)
		for (const { xid, actor, changes, more } of message.transactions) {
			const whole = [...(stream.pieces ?? []), ...changes]
			// A part is not applied: if the rest does not come on this connection, all comes again on the next.
			if (more || message.more) {
				stream.pieces = whole
				continue
			}
			stream.pieces = null
			stream.replica.apply({ xid, actor, changes: whole, coalesced: message.coalesced === true })
		}
		if (stream.pieces) return
		if (typeof message.position !== 'string') throw new Divergence('a message with changes has no position')
		stream.replica.position = message.position
	}

	error(message) {
		const request = this.requests.get(Number(message.id))
		// The database is away: the bridge says so, and we ask again.
		if (message.code === 'unavailable' && request?.stream) {
			const socket = this.socket
			setTimeout(() => {
				if (socket === this.socket && socket.readyState === WebSocket.OPEN) this.subscribe(request.stream.replica)
			}, 100)
			return
		}
		throw new Divergence(`error ${message.code}: ${message.message} ${canonical(message.detail ?? null)}`)
	}

	async judge(truth, client) {
		for (const replica of this.replicas) {
			try {
				replica.judge(truth)
				await replica.compare(client)
			} catch (error) {
				if (error instanceof Divergence) {
					error.message = `${replica.describe()}: ${error.message}`
					this.explain(error)
				}
				throw error
			}
		}
	}

	summary() {
		const changes = this.replicas.reduce((sum, { counts }) => sum + counts.changes, 0)
		const { connections, resumed, refetches, behind } = this.stats
		return `${changes} changes, ${connections} connections, ${resumed} resumed, ${refetches} refetches, ${behind} behind`
	}
}

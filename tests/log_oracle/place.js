// The private cluster and how one gets a connection to it.

import pg from 'pg'
import { Cluster } from '../harness/cluster.js'

// Everything stays text: no date, number or JSON is to change on its way.
const types = { getTypeParser: () => (text) => text }

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/// What may happen to a reader's statement without meaning anything: a cancel, a lock timeout, a deadlock, a table renamed meanwhile, a number that
/// a writer has taken for its row already, a log that is full when it writes a mark.
export const passing = new Set(['57014', '55P03', '40P01', '42P01', '23505', '53400'])

// What a writer may be told when others write too, or because its statements are random; anything else is a finding.
export const refusals = new Set([
	'40001', '40P01', '55P03', '57014', '23505', '23503', '23502', '23514', '22012', '22003', '22P02', '22007', '21000', '27000', '24000', 'P0001', 'LS001',
	'42P01', '42703', '42701', '42704', '42P07', '55006', '55000', '53200', '25P02', '42804', '42809', '42P17', '0A000', '42846', '2BP01', '53400', '34000', '42P03', '42710',
])

/// Did the server go away (rather than refuse something)?
export function connectionLost(error) {
	if (error.constructor.name === 'Divergence') return false
	// Those of pg itself have no code: "Connection terminated unexpectedly", "… is not queryable".
	if (error.code === undefined) return /connection|not queryable/i.test(error.message)
	return /^(57P0[123]|08...|ECONN.*|ENOENT|EPIPE)$/.test(error.code)
}

export class Place {
	static async open(settings) {
		const place = new Place()
		place.cluster = await Cluster.start('log_oracle', settings)
		const info = Object.fromEntries((await place.cluster.conninfo('postgres', 'postgres')).split(' ').map((pair) => pair.split('=')))
		place.connection = { host: info.host, port: Number(info.port), user: 'postgres' }
		return place
	}

	/// The same, for a process that has been told where it is.
	static at(connection, name) {
		return Object.assign(new Place(), { connection, name })
	}

	constructor() {
		this.closing = false
		this.marking = 0 // readers that write a mark just now
	}

	async database(name) {
		await this.insist((client) => client.query(`CREATE DATABASE ${name}`), 'postgres')
		this.name = name
	}

	/// A client whose later loss shows in the next query. Waits for a server that is being restarted.
	async connect(database = this.name) {
		for (;;) {
			const client = new pg.Client({ ...this.connection, types, database })
			client.on('error', () => {})
			try {
				await client.connect()
				return client
			} catch (error) {
				if (this.closing) throw error
				if (!connectionLost(error) && error.code !== '53300') throw error
				await sleep(50)
			}
		}
	}

	/// Runs `work(client)` until it ends without losing its connection.
	async insist(work, database = this.name) {
		for (;;) {
			const client = await this.connect(database)
			try {
				return await work(client)
			} catch (error) {
				if (!connectionLost(error) && error.code !== '57014') throw error
			} finally {
				await client.end().catch(() => {})
			}
		}
	}
}

/// COPY … FROM STDIN, which pg leaves to others.
export class CopyIn {
	constructor(sql, data) {
		Object.assign(this, { sql, data })
		this.done = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }))
	}
	submit(connection) {
		this.connection = connection
		connection.query(this.sql)
	}
	handleCopyInResponse(connection) {
		connection.sendCopyFromChunk(Buffer.from(this.data))
		connection.endCopyFrom()
	}
	handleCommandComplete() {}
	handleEmptyQuery() {}
	handleError(error) {
		this.error = error
		this.reject(error)
	}
	handleReadyForQuery() {
		if (!this.error) this.resolve()
	}
}

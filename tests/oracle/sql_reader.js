// A reader in SQL: state and position in one snapshot, then lockstep.changes() in bites of random size, sometimes going
// back to an earlier position, as a program does that stores its position less often than it applies changes.

import { connectionLost, sleep } from './place.js'
import { parse } from '../harness/exact.js'
import { Divergence, judgePage, transactionsOf } from '../harness/feed.js'
import { Replica } from './replica.js'
import { tables } from './schema.js'

export class SqlReader {
	/// `restless`: begins anew now and then.
	constructor(name, place, random, restless) {
		this.restless = restless
		this.name = name
		this.place = place
		this.random = random
		this.replicas = Object.values(tables).map((table) => new Replica(table))
		this.position = null
		this.delivered = new Set() // since the start
		this.already = null // what the ledger held in the snapshot that this reader started from
		this.stats = { reads: 0, empty: 0, transactions: 0, again: 0, starts: 0 }
		this.awaited = null // { tx, xid } of the transaction that ends a rest
		this.abandoned = false // stop, whatever is missing
	}

	describe() {
		return 'all tables by lockstep.changes()'
	}

	/// Begins with a state and the position that belongs to it.
	async start() {
		await this.place.insist((client) => this.begin(client))
	}

	async begin(client) {
		await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
		// Before the snapshot: a TRUNCATE that commits after it would show through it.
		await client.query(`LOCK TABLE ${this.replicas.map(({ table }) => table.name).join(', ')} IN ACCESS SHARE MODE`)
		const already = new Set((await client.query('SELECT tx FROM ledger')).rows.map(({ tx }) => tx))
		const { position } = (await client.query('SELECT lockstep.position()::text AS position')).rows[0]
		const states = []
		for (const { table } of this.replicas) {
			const { rows } = await client.query(`SELECT lockstep.image(t)::text AS image FROM ${table.name} t`)
			states.push(rows.map(({ image }) => parse(image)))
		}
		await client.query('COMMIT')
		this.replicas.forEach((replica, i) => replica.reset(states[i], position))
		this.already = already
		this.position = position
		this.delivered.clear()
		this.stats.starts += 1
	}

	/// Reads until `resting()` says so, and then on until it has seen the awaited transaction and there is nothing more.
	async read(resting) {
		let done = false
		while (!done && !this.abandoned) {
			const client = await this.place.reconnect()
			try {
				while (!done && !this.abandoned) {
					if (this.restless && !resting() && this.random.chance(0.01)) await this.begin(client)
					const rows = await this.bite(client)
					done = rows === 0 && resting() && this.caughtUp()
					if (!resting()) await sleep(this.random.int(0, 150))
				}
			} catch (error) {
				if (!connectionLost(error)) throw error
			} finally {
				await client.end().catch(() => {})
			}
		}
	}

	/// It may have begun anew just after the awaited transaction, and then has it in its state.
	caughtUp() {
		return this.awaited !== null && (this.delivered.has(this.awaited.xid) || this.already.has(this.awaited.tx))
	}

	async bite(client) {
		const { random } = this
		const frozen = random.chance(0.1)
		const upto = random.chance(0.2)
		const size = random.chance(0.2) ? null : random.int(1, 40)
		if (frozen) await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
		const { rows } = await client.query(
			`SELECT xid::text, ordinal, table_name, relid::text, op, key::text, version, row::text, old::text, actor, omitted::text, position::text
			 FROM lockstep.changes($1::lockstep.position, ${upto ? 'lockstep.position(), ' : ''}max_changes => $2)`,
			[this.position, size])
		if (frozen) await client.query('COMMIT')
		this.stats.reads += 1
		if (rows.length === 0) this.stats.empty += 1
		const transactions = transactionsOf(rows, ({ table_name }) => table_name)
		judgePage(transactions, size)
		// A part of what was read is thrown away and read again.
		const kept = random.chance(0.15) ? transactions.slice(0, random.int(0, transactions.length)) : transactions
		this.stats.again += transactions.length - kept.length
		for (const transaction of kept) this.take(transaction)
		return rows.length
	}

	take({ xid, actor, changes, position }) {
		if (this.delivered.has(xid)) throw new Divergence(`transaction ${xid} was delivered twice`)
		this.delivered.add(xid)
		this.stats.transactions += 1
		for (const replica of this.replicas) {
			const own = changes.filter(({ label }) => label === replica.table.name)
			if (own.length > 0) replica.apply({ xid, actor, changes: own })
		}
		this.position = position
	}

	async judge(truth, client) {
		for (const replica of this.replicas) {
			replica.judge(truth)
			await replica.compare(client)
		}
		for (const [xid, { tx, changes }] of truth.committed) {
			if (changes.length > 0 && !this.already.has(tx) && !this.delivered.has(xid)) {
				throw new Divergence(`transaction ${xid} (${tx}) was committed, and never delivered`)
			}
			if (this.already.has(tx) && this.delivered.has(xid)) {
				throw new Divergence(`transaction ${xid} (${tx}) was in the state that the reader began with, and delivered again`)
			}
		}
	}

	summary() {
		const { transactions, reads, again, starts } = this.stats
		return `${transactions} transactions in ${reads} reads, ${again} read again, begun ${starts} times`
	}
}

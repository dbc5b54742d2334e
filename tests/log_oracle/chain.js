// What one reader was given, transaction by transaction, to be judged against the truth.

import { canonical } from '../harness/exact.js'
import { Divergence } from '../harness/feed.js'
import { Replica } from './replica.js'
import { textOf } from './truth.js'

export class Chain {
	constructor(world) {
		this.world = world
		this.replica = new Replica(world)
		this.unjudged = [] // { xid, changes, reason, delivered }; those of an earlier start too
		this.begin(null, {}, new Set())
	}

	/// A fresh start: a position, the tables' rows at it, and the transactions (of the witness) that are in these.
	begin(position, states, already) {
		this.position = position
		this.already = already
		this.delivered = new Map() // xid → the how-manieth it was
		this.replica.reset(states)
	}

	/// Takes a transaction over, and moves on behind it.
	take(transaction, shapes) {
		const { xid, changes, position } = transaction
		if (this.delivered.has(xid)) throw new Divergence(`transaction ${xid} was delivered twice`, xid)
		if (this.already.has(xid)) throw new Divergence(`transaction ${xid} was in the state that the reader began with, and is delivered again`, xid)
		this.delivered.set(xid, this.delivered.size)
		this.unjudged.push({ xid, changes, reason: transaction.reason, delivered: this.delivered })
		this.replica.apply(transaction, shapes)
		this.position = position
	}

	/// At rest: everything delivered was committed, as it was committed, and after what it could see; everything committed was delivered.
	judge(truth) {
		for (const { xid, changes, reason, delivered } of this.unjudged) {
			const real = truth.transactions.get(xid)
			if (!real) throw new Divergence(`transaction ${xid} was delivered, and was never committed: ${changes.map(textOf).join('\n  ')}`, xid)
			if (reason !== real.tx) throw new Divergence(`transaction ${xid} is said to be ${reason}, it was ${real.tx}`, xid)
			this.whole(xid, changes, real)
			const late = real.saw.find((seen) => delivered.get(seen) > delivered.get(xid))
			if (late) throw new Divergence(`transaction ${xid} was delivered before ${late}, which had committed before it ended`, xid)
		}
		this.unjudged = []
		for (const [xid, { tx }] of truth.transactions) {
			if (!this.delivered.has(xid) && !this.already.has(xid)) {
				throw new Divergence(`transaction ${xid} (${tx}) was committed, and never delivered`, xid)
			}
		}
	}

	whole(xid, changes, real) {
		const left = new Map()
		const truncated = new Set()
		for (const change of real.changes) {
			// One truncate says it for all that follow each other.
			if (change.op === 'truncate') truncated.add(change.label)
			else left.set(textOf(change), (left.get(textOf(change)) ?? 0) + 1)
			if (change.step !== undefined && change.step !== 1n && !change.replica) {
				throw new Divergence(`transaction ${xid}: the version of ${change.label} ${canonical(change.key)} went on by ${change.step} to ${change.version}`, xid)
			}
		}
		const told = new Set()
		for (const change of changes) {
			if (change.op === 'schema') continue // judged when it was applied
			if (change.op === 'truncate' && truncated.has(change.label)) {
				told.add(change.label)
				continue
			}
			const count = left.get(textOf(change)) ?? 0
			if (count === 0) throw this.differs(xid, 'this was delivered, and is none of its changes', textOf(change), real)
			if (count === 1) left.delete(textOf(change))
			else left.set(textOf(change), count - 1)
		}
		if (left.size > 0) throw this.differs(xid, 'this is one of its changes, and was not delivered', [...left.keys()][0], real)
		for (const label of truncated) {
			if (!told.has(label)) throw new Divergence(`transaction ${xid}: the truncate of ${label} was not delivered`, xid)
		}
	}

	differs(xid, what, text, real) {
		return new Divergence(`transaction ${xid}: ${what}\n  ${text}\nthese are its changes:\n${real.changes.slice(0, 40).map((change) => `  ${textOf(change)}`).join('\n')}`, xid)
	}
}

// Who changed what just now, and what happened while the connection was away: the marks that rows carry for a while.

const FLASH_MS = 4_000; // as long as the animation in table.css
const NAMED = 10; // changes at once that carry a name each; more are told in a line

export class Marks {
	#flashes = new Map(); // id → Map of column → {actor, mine, named, until, turn}
	#missed = new Set();
	#turn = 0;
	#swept = 0;

	/** Notes the changes of a batch. */
	note(changes, mine, now) {
		const until = now + FLASH_MS;
		if (now - this.#swept > FLASH_MS) { // a page that is hidden draws nothing, and calls no expire()
			this.expire(now);
			this.#swept = now;
		}
		this.#turn++;
		for (const change of changes) {
			if (change.row === undefined) {
				continue;
			}
			const flashes = this.#flashes.get(change.key) ?? new Map();
			this.#flashes.set(change.key, flashes);
			const own = mine(change);
			const named = !own && changes.length <= NAMED;
			const columns = change.op === 'update' ? Object.keys(change.old) : ['reference'];
			for (const column of columns) {
				flashes.set(column, { actor: change.actor ?? 'somebody', mine: own, named, until, turn: this.#turn });
			}
		}
	}

	/** The flashes of a record by column, or undefined. */
	flashesOf(id) {
		return this.#flashes.get(id);
	}

	/** Drops what is over; returns the ids concerned, and when the next one is over (null: none is left). */
	expire(now) {
		const over = [];
		let next = null;
		for (const [id, flashes] of this.#flashes) {
			for (const [column, { until }] of flashes) {
				if (until <= now) {
					flashes.delete(column);
				} else {
					next = Math.min(next ?? until, until);
				}
			}
			if (flashes.size === 0) {
				this.#flashes.delete(id);
				over.push(id);
			}
		}
		return { over, next };
	}

	miss(ids) {
		ids.forEach((id) => this.#missed.add(id));
	}

	missed(id) {
		return this.#missed.has(id);
	}

	forgetMissed() {
		this.#missed.clear();
	}
}

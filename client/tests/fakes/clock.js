// A clock that moves when it is told to. Pass it as the option `clock`.
//
//   const clock = new FakeClock();
//   clock.setTimeout(callback, 500);
//   await clock.advance(500);     runs what is due, in order, and lets promises settle in between

export class FakeClock {
	#now = 1_750_000_000_000;
	#timers = new Map();
	#last = 0;

	now() {
		return this.#now;
	}

	setTimeout(callback, delay) {
		const handle = ++this.#last;
		this.#timers.set(handle, { due: this.#now + delay, callback });
		return handle;
	}

	clearTimeout(handle) {
		this.#timers.delete(handle);
	}

	/** Milliseconds until the next timer, or undefined. */
	get next() {
		const dues = [...this.#timers.values()].map(({ due }) => due);
		return dues.length === 0 ? undefined : Math.min(...dues) - this.#now;
	}

	async advance(milliseconds) {
		const end = this.#now + milliseconds;
		await settled();
		for (;;) {
			const due = [...this.#timers].filter(([, timer]) => timer.due <= end).sort(([a, x], [b, y]) => x.due - y.due || a - b);
			if (due.length === 0) {
				break;
			}
			const [handle, timer] = due[0];
			this.#timers.delete(handle);
			this.#now = Math.max(this.#now, timer.due);
			timer.callback();
			await settled();
		}
		this.#now = end;
	}
}

/** Resolves when promises and the events of fake sockets (two turns of the event loop at most) have settled. */
export async function settled() {
	for (let turn = 0; turn < 3; turn++) {
		await new Promise((resolve) => setImmediate(resolve));
	}
}

/** Seeded numbers in [0, 1): mulberry32. */
export function seeded(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

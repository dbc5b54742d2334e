// How long changes take from the database to this page. The page's clock may be wrong, so it is compared with the
// bridge's first; the bridge's and the database's must agree, as servers' clocks do.

import { $ } from './dom.js';

const KEPT = 24;
const AGAIN_MS = 120_000; // clocks drift
const MOST_MS = 60_000; // more than that is no latency
const SVG = 'http://www.w3.org/2000/svg';

export class Latency {
	#db;
	#offset = null; // milliseconds from this clock to the bridge's
	#last = [];
	#upSince = Infinity;

	constructor(db) {
		this.#db = db;
		const measure = () => void this.#measure();
		db.on('state', ({ to }) => to === 'connected' && measure());
		setInterval(() => document.visibilityState === 'visible' && db.state === 'connected' && measure(), AGAIN_MS);
	}

	/** The time of the bridge's clock, for a time of this one; this one's where it has not been compared yet. */
	serverTime(time) {
		return time + (this.#offset ?? 0);
	}

	/** Since when changes come as they happen; what happened earlier says nothing about speed. */
	live(since) {
		this.#upSince = since;
	}

	/** Takes the changes of a batch that has just come. */
	note({ transactions }) {
		const last = transactions.at(-1);
		if (last === undefined || this.#offset === null || Date.parse(last.at) < this.serverTime(this.#upSince)) {
			return;
		}
		const took = this.serverTime(Date.now()) - Date.parse(last.at);
		if (took > MOST_MS) {
			return;
		}
		this.#last.push(Math.max(0, took));
		this.#last = this.#last.slice(-KEPT);
		this.#show();
	}

	async #measure() {
		try {
			const { offset } = await this.#db.measureClock();
			this.#offset = offset;
		} catch (error) {
			// Lost again, or a bridge that does not tell its time: nothing is shown rather than something wrong.
			console.info(error.message);
		}
	}

	#show() {
		const words = (ms) => (ms < 1 ? '<1 ms' : `${Math.round(ms)} ms`);
		const sorted = [...this.#last].sort((a, b) => a - b);
		const median = sorted[Math.floor(sorted.length / 2)];
		$('#latency').hidden = false;
		$('#latency-text').textContent = `last change ${words(this.#last.at(-1))}`;
		$('#latency').title = `From the database to this page. Median of the last ${this.#last.length}: ${words(median)}, longest ${words(sorted.at(-1))}.`;
		$('#latency-line').replaceChildren(...this.#bars());
	}

	// From 1 ms (a dot) to 1 s (full height), by orders of magnitude.
	#bars() {
		return this.#last.map((ms, n) => {
			const height = 2 + 10 * Math.min(1, Math.log10(Math.max(1, ms)) / 3);
			const bar = document.createElementNS(SVG, 'rect');
			const place = { x: n * 3, y: 12 - height, width: 2, height, rx: 1 };
			Object.entries(place).forEach(([name, value]) => bar.setAttribute(name, value));
			return bar;
		});
	}
}

// Tells people who do not see the table what others do, without talking all the time: the first change at once, then at
// most one sentence in so many seconds.

const PAUSE_MS = 4_000;

export class Announcer {
	#element;
	#waiting = [];
	#quiet = false;

	constructor(element) {
		this.#element = element;
	}

	/** @param lines  [{who, text}] */
	say(lines) {
		this.#waiting.push(...lines);
		if (!this.#quiet) {
			this.#speak();
		}
	}

	#speak() {
		const lines = this.#waiting;
		this.#waiting = [];
		if (lines.length === 0) {
			this.#quiet = false;
			return;
		}
		const people = [...new Set(lines.map(({ who }) => who))];
		this.#element.textContent = lines.length <= 2 ? lines.map(({ text }) => text).join('. ') : `${lines.length} changes by ${people.slice(0, 3).join(', ')}${people.length > 3 ? ' and others' : ''}`;
		this.#quiet = true;
		setTimeout(() => this.#speak(), PAUSE_MS);
	}
}

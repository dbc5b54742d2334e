// Seeded randomness. Each actor of a run draws from a stream of its own, so that what one of them decides does not depend on
// how the others were scheduled.

function hash(text) {
	let h = 2166136261
	for (const byte of Buffer.from(text)) {
		h = Math.imul(h ^ byte, 16777619)
	}
	return h >>> 0
}

export class Random {
	constructor(seed, stream = '') {
		this.seed = seed
		this.state = hash(`${seed}/${stream}`)
	}

	stream(name) {
		return new Random(this.seed, name)
	}

	/// In [0, 1): mulberry32.
	next() {
		this.state = (this.state + 0x6d2b79f5) >>> 0
		let t = this.state
		t = Math.imul(t ^ (t >>> 15), t | 1)
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296
	}

	/// A whole number in [low, high].
	int(low, high) {
		return low + Math.floor(this.next() * (high - low + 1))
	}

	chance(probability) {
		return this.next() < probability
	}

	pick(list) {
		return list[this.int(0, list.length - 1)]
	}

	/// One of the names in { name: weight }.
	weighted(weights) {
		let left = this.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
		for (const [name, weight] of Object.entries(weights)) {
			left -= weight
			if (left < 0) return name
		}
		return Object.keys(weights)[0]
	}

	word(length) {
		let text = ''
		while (text.length < length) text += this.pick('abcdefghijklmnopqrstuvwxyzäß€ \'"\\')
		return text
	}

	uuid() {
		const hex = Array.from({ length: 32 }, () => this.int(0, 15).toString(16)).join('')
		return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
	}
}

// JSON without loss: numbers stay the text they were. Two values are the same when their canonical texts are.

/// A JSON number as it was written.
export class Literal {
	constructor(text) {
		this.text = text
	}
	toString() {
		return this.text
	}
}

export function parse(text) {
	let at = 0
	const fail = () => {
		throw new SyntaxError(`malformed JSON at offset ${at}: ${text.slice(at, at + 40)}`)
	}
	const space = () => {
		while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
	}
	const string = () => {
		const end = /"(?:[^"\\]|\\.)*"/sy
		end.lastIndex = at
		const found = end.exec(text)
		if (!found) fail()
		at = end.lastIndex
		return JSON.parse(found[0])
	}
	const value = () => {
		space()
		const start = text[at]
		if (start === '"') return string()
		if (start === '{') {
			const object = Object.create(null)
			at++
			space()
			if (text[at] === '}') {
				at++
				return object
			}
			for (;;) {
				space()
				const name = string()
				space()
				if (text[at++] !== ':') fail()
				object[name] = value()
				space()
				const next = text[at++]
				if (next === '}') return object
				if (next !== ',') fail()
			}
		}
		if (start === '[') {
			const list = []
			at++
			space()
			if (text[at] === ']') {
				at++
				return list
			}
			for (;;) {
				list.push(value())
				space()
				const next = text[at++]
				if (next === ']') return list
				if (next !== ',') fail()
			}
		}
		const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
		scalar.lastIndex = at
		const found = scalar.exec(text)
		if (!found) fail()
		at = scalar.lastIndex
		if (found[0] === 'true') return true
		if (found[0] === 'false') return false
		if (found[0] === 'null') return null
		return new Literal(found[0])
	}
	const result = value()
	space()
	if (at !== text.length) fail()
	return result
}

export function canonical(value) {
	if (value instanceof Literal) return value.text
	if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
	if (value !== null && typeof value === 'object') {
		return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
	}
	return JSON.stringify(value)
}

/// `row` with the named columns only.
export function project(row, columns) {
	const result = Object.create(null)
	for (const name of columns) {
		if (name in row) result[name] = row[name]
	}
	return result
}

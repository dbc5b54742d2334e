// Messages over a real WebSocket: `→ {…}` is sent, `← {…}` is what comes next (`position` and `status` are passed over where they are
// not expected), `← … {…}` what comes some time, `← close 1009` the end; `→ pause` and `→ resume`: the client stops reading, and goes on.
// A value written "<name>" is whatever comes first under that name, and the same from then on.

import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { until } from '../../harness/wait.js';
import { difference, parseLoose, render } from '../loose_json.js';

const UNASKED = ['position', 'status'];

class Socket {
	#queue = [];

	constructor(scene) {
		this.scene = scene;
		this.socket = new WebSocket(`ws://127.0.0.1:${scene.port}/v1/socket`, ['lockstep.v1']);
		this.socket.on('message', (data) => this.#queue.push(parseLoose(data.toString()).value));
		this.socket.on('error', (error) => (this.closed = error.message));
		this.socket.on('close', (code) => (this.closed ??= code));
		this.opened = until('the socket is open', () => {
			if (this.closed !== undefined) {
				throw new Error(`the socket is closed (${this.closed})`);
			}
			return this.socket.readyState === WebSocket.OPEN;
		});
	}

	/** The next message; with `later`, the next of that type. */
	async next(type, later) {
		return until(`${type === undefined ? 'a message' : `a message of type "${type}"`} came`, () => {
			while (this.#queue.length > 0) {
				const message = this.#queue.shift();
				const got = message.members?.get('type')?.text;
				if (got === type || (!later && !UNASKED.includes(got))) {
					return message;
				}
			}
			if (this.closed !== undefined) {
				throw new Error(`the socket was closed (${this.closed})`);
			}
			return null;
		}, this.scene.patience);
	}

	close() {
		this.socket.terminate();
	}
}

/** `as`: another connection. */
export async function protocol(scene, { text, as = 'client' }) {
	const bindings = scene.keep('protocol names', () => new Map());
	const socket = scene.keep(`socket ${as}`, () => new Socket(scene));
	await socket.opened;
	const arrow = /[→←]/g;
	for (let found = arrow.exec(text); found !== null; found = arrow.exec(text)) {
		const later = /^←\s*…/.test(text.slice(found.index));
		const rest = text.slice(found.index + 1).replace(later ? /^\s*…/ : '', '').trimStart();
		const flow = /^(pause|resume)\b/.exec(rest);
		if (flow) {
			socket.socket[flow[1]]();
			continue;
		}
		const close = /^close (\d+)/.exec(rest);
		if (close) {
			await until(`the socket is closed with ${close[1]}`, () => String(socket.closed) === close[1], scene.patience).catch((error) => {
				throw new Error(`${error.message} (it is ${socket.closed ?? 'open'})`);
			});
			continue;
		}
		const { value, end } = parseLoose(rest);
		arrow.lastIndex = text.length - rest.length + end;
		if (found[0] === '→') {
			socket.socket.send(render(value, bindings, () => ({ text: randomUUID() })));
			continue;
		}
		const actual = await socket.next(value.members?.get('type')?.text, later);
		const problem = difference(value, actual, bindings);
		if (problem) {
			throw new Error(`${problem}\n  expected ${rest.slice(0, end)}\n  it is    ${render(actual)}`);
		}
	}
}

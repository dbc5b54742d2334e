// Drives the pure machine of connection_machine.js with a real WebSocket and real timers (both injected). It owns the
// socket and nothing else: what the messages mean is the Database's business.
//
// Every socket has a generation number. Events of a socket that has been given up arrive late and often (a close event
// may come a minute after a laptop woke up); they carry an old generation and are ignored.

import { parse, stringify } from './exact.js';
import { UnauthorizedError, errorFrom } from './errors.js';
import { codes, defaults, initial, publicState, step } from './connection_machine.js';

const SUBPROTOCOL = 'lockstep.v1';

export class Connection {
	#machine = initial();
	#queue = [];
	#busy = false;
	#timers = new Map();
	#generation = 0;
	#socket = null;
	#greeting = null;

	/**
	 * @param settings  url, WebSocket, clock ({now, setTimeout, clearTimeout}), options (those of the machine),
	 *                  greet(freshToken) → Promise of the hello message, nextId() → a request id, canRefresh: whether there is another token to ask for
	 * @param handlers  message(m), state({from,to,code,reason}), welcome(m), retry({attempt,delay,…}), error(e)
	 */
	constructor(settings, handlers) {
		this.settings = settings;
		this.options = { ...defaults, random: Math.random, ...settings.options };
		this.handlers = handlers;
	}

	get state() {
		return publicState(this.#machine, this.options);
	}

	get open() {
		return this.#machine.phase === 'open';
	}

	/** Sends one message, or its text; false when there is no open connection, and then nothing was sent. */
	send(message) {
		if (!this.open || this.#socket === null) {
			return false;
		}
		return this.#transmit(typeof message === 'string' ? message : stringify(message));
	}

	dispatch(event) {
		this.#queue.push(event);
		if (this.#busy) {
			return; // a command below led here; the loop takes it in turn
		}
		this.#busy = true;
		try {
			while (this.#queue.length > 0) {
				this.#take(this.#queue.shift());
			}
		} finally {
			this.#busy = false;
		}
	}

	#take(event) {
		const from = this.state;
		const { state, commands } = step(this.#machine, { now: this.settings.clock.now(), ...event }, this.options);
		this.#machine = state;
		for (const command of commands) {
			this.#run(command);
		}
		const to = publicState(state, this.options);
		if (from !== to) {
			this.handlers.state({ from, to, code: state.code, reason: state.reason });
		}
		// After the state: who hears of the next attempt has heard of the loss.
		commands.filter((command) => command.do === 'retrying').forEach((command) => this.handlers.retry(command));
	}

	#run(command) {
		switch (command.do) {
			case 'open':
				this.#open(command.freshToken);
				break;
			case 'hello':
				this.#transmit(stringify(this.#greeting));
				break;
			case 'ping':
				this.#transmit(stringify({ type: 'ping', id: this.settings.nextId() }));
				break;
			case 'drop':
				this.#drop();
				break;
			case 'timer':
				this.#arm(command.timer, command.delay);
				break;
			case 'cancel':
				this.#cancel(command.timer);
				break;
			case 'retrying':
				break; // told in #take
			default:
				throw new Error(`unknown connection command "${command.do}"`);
		}
	}

	#open(freshToken) {
		const generation = ++this.#generation;
		const current = () => generation === this.#generation;
		this.#arm('greeting', this.options.connectTimeout);
		this.settings.greet(freshToken).then(
			(hello) => {
				if (current()) {
					this.#greeting = hello;
					this.#dial(current);
				}
			},
			(error) => {
				if (!current()) {
					return;
				}
				this.handlers.error(error);
				if (error instanceof UnauthorizedError) {
					this.dispatch({ type: 'unauthorized', reason: error.message, canRefresh: false });
				} else {
					this.dispatch({ type: 'lost', code: codes.token, reason: 'no token could be had' });
				}
			},
		);
	}

	#dial(current) {
		let socket;
		try {
			socket = new this.settings.WebSocket(this.settings.url, [SUBPROTOCOL]);
		} catch (error) {
			this.handlers.error(error);
			this.dispatch({ type: 'lost', code: codes.refused, reason: error.message });
			return;
		}
		this.#socket = socket;
		socket.onopen = () => current() && this.dispatch({ type: 'opened' });
		socket.onmessage = (event) => current() && this.#receive(event.data);
		socket.onclose = (event) => {
			if (current()) {
				this.#socket = null;
				this.#closed(event.code, event.reason);
			}
		};
		socket.onerror = () => {}; // says nothing that the close event after it does not
	}

	#closed(code, reason) {
		if (code === 4401) {
			this.dispatch({ type: 'unauthorized', reason: reason || 'unauthorized', canRefresh: this.settings.canRefresh });
		} else {
			this.dispatch({ type: 'lost', code, reason: reason || 'the connection was closed' });
		}
	}

	#receive(text) {
		let message;
		try {
			message = parse(text);
		} catch (error) {
			// A message that cannot be read may have held a change: only a new connection from the last position is safe.
			this.handlers.error(error);
			this.dispatch({ type: 'lost', code: codes.garbled, reason: 'the server sent a message that cannot be read' });
			return;
		}
		this.dispatch({ type: 'heard' });
		if (message.type === 'welcome' && this.#machine.phase === 'greeting') {
			this.handlers.welcome(message); // before the state event, whose listeners may ask for actor and client
			this.dispatch({ type: 'welcomed', heartbeat: (message.heartbeat_seconds ?? 25) * 1000 });
		} else if (message.type === 'goodbye') {
			this.dispatch({ type: 'goodbye', retryAfter: Number(message.retry_after_ms ?? 0) });
		} else if (message.type === 'error' && this.#machine.phase === 'greeting') {
			this.#turnedAway(errorFrom(message));
		} else {
			this.handlers.message(message);
		}
	}

	#turnedAway(error) {
		this.handlers.error(error);
		if (error instanceof UnauthorizedError) {
			this.dispatch({ type: 'unauthorized', reason: error.message, canRefresh: this.settings.canRefresh });
		} else if (error.code === 'unavailable' || error.code === 'rate_limited') {
			this.dispatch({ type: 'lost', code: codes.refused, reason: error.message });
		} else {
			this.dispatch({ type: 'refused', reason: error.message });
		}
	}

	#transmit(text) {
		try {
			this.#socket.send(text);
			return true;
		} catch (error) {
			this.dispatch({ type: 'lost', code: codes.refused, reason: error.message });
			return false;
		}
	}

	#drop() {
		this.#generation++;
		const socket = this.#socket;
		this.#socket = null;
		this.#greeting = null;
		socket?.close(1000);
	}

	#arm(timer, delay) {
		this.#cancel(timer);
		const handle = this.settings.clock.setTimeout(() => {
			this.#timers.delete(timer);
			this.dispatch({ type: timer });
		}, delay);
		this.#timers.set(timer, handle);
	}

	#cancel(timer) {
		if (this.#timers.has(timer)) {
			this.settings.clock.clearTimeout(this.#timers.get(timer));
			this.#timers.delete(timer);
		}
	}
}

// The life of a connection as a pure function: step(state, event) returns the next state and the commands that the
// driver (connection.js) carries out. No socket, no timer and no clock in here; `now` comes with the events.
//
//   phase      means                                   shown to the application as
//   idle       not wanted: before start, after stop    disconnected
//   waiting    for the next attempt                    connecting, or offline after several failures
//   opening    token and socket under way              connecting, or offline
//   greeting   hello sent                              connecting, or offline
//   open       welcome received                        connected

import { backoff } from './backoff.js';

/** Numeric codes of state events; 1000 and above are WebSocket close codes. */
export const codes = Object.freeze({
	started: 0,
	stopped: 1,
	welcomed: 2,
	silent: 3,
	timeout: 4,
	unauthorized: 5,
	network: 6,
	token: 7,
	garbled: 8,
	refused: 9,
});

export const defaults = Object.freeze({
	backoffFloor: 100,
	backoffBase: 500,
	backoffMax: 20_000,
	hiddenFloor: 30_000, // a page that nobody looks at leaves the server alone for so long
	stableAfter: 5_000,
	connectTimeout: 10_000,
	probeTimeout: 4_000,
	offlineAfter: 4,
});

export function initial() {
	return {
		phase: 'idle',
		failures: 0, // attempts since the last stable connection
		heartbeat: 25_000,
		heardAt: 0,
		pingedAt: null,
		probeUntil: null,
		retryAfter: 0,
		freshToken: false, // the next attempt must ask for a new token
		hidden: false,
		network: true,
		code: codes.started,
		reason: '',
	};
}

/** What the application sees: disconnected, connecting, connected or offline. */
export function publicState(state, options = defaults) {
	switch (state.phase) {
		case 'idle':
			return 'disconnected';
		case 'open':
			return 'connected';
		default:
			return state.failures >= options.offlineAfter || !state.network ? 'offline' : 'connecting';
	}
}

export function step(state, event, options) {
	const handler = HANDLERS[event.type];
	if (handler === undefined) {
		throw new Error(`unknown connection event "${event.type}"`);
	}
	return handler(state, event, options) ?? { state, commands: [] };
}

const TIMERS = ['retry', 'greeting', 'silence', 'stable'];
const stopTimers = () => TIMERS.map((timer) => ({ do: 'cancel', timer }));

function open(state, code, reason) {
	return {
		state: { ...state, phase: 'opening', code, reason, retryAfter: 0 },
		commands: [...stopTimers(), { do: 'open', freshToken: state.freshToken }],
	};
}

function fail(state, { code, reason = '', retryAfter = 0 }, options) {
	const least = Math.max(retryAfter, state.retryAfter, state.hidden ? options.hiddenFloor : 0);
	const delay = backoff(
		state.failures,
		{ floor: options.backoffFloor, base: options.backoffBase, max: options.backoffMax, random: options.random },
		least,
	);
	return {
		state: {
			...state,
			phase: 'waiting',
			failures: state.failures + 1,
			retryAfter: 0,
			pingedAt: null,
			probeUntil: null,
			code,
			reason,
		},
		commands: [
			...stopTimers(),
			{ do: 'drop' },
			{ do: 'timer', timer: 'retry', delay },
			{ do: 'retrying', attempt: state.failures + 1, delay, code, reason },
		],
	};
}

function halt(state, code, reason) {
	return {
		state: { ...initial(), hidden: state.hidden, network: state.network, code, reason },
		commands: [...stopTimers(), { do: 'drop' }],
	};
}

// Sends a ping whose answer is due soon: for moments in which a connection is likely to have died unnoticed.
function probe(state, now, options) {
	return {
		state: { ...state, pingedAt: now, probeUntil: now + options.probeTimeout },
		commands: [{ do: 'ping' }, { do: 'timer', timer: 'silence', delay: options.probeTimeout }],
	};
}

const inFlight = (state) => state.phase === 'opening' || state.phase === 'greeting' || state.phase === 'open';

const HANDLERS = {
	start(state) {
		return state.phase === 'idle' ? open(state, codes.started, 'connect called') : null;
	},

	stop(state) {
		return state.phase === 'idle' ? null : halt(state, codes.stopped, 'close called');
	},

	/** The application asks for an attempt, or a check, right now. */
	refresh(state, { now }, options) {
		if (state.phase === 'open') {
			return probe(state, now, options);
		}
		return inFlight(state) ? null : open(state, codes.started, 'refresh called');
	},

	opened(state, event, options) {
		if (state.phase !== 'opening') {
			return null;
		}
		return {
			state: { ...state, phase: 'greeting' },
			commands: [{ do: 'hello' }, { do: 'timer', timer: 'greeting', delay: options.connectTimeout }],
		};
	},

	welcomed(state, { heartbeat, now }, options) {
		if (state.phase !== 'greeting') {
			return null;
		}
		return {
			state: {
				...state,
				phase: 'open',
				network: true,
				freshToken: false,
				heartbeat,
				heardAt: now,
				pingedAt: null,
				probeUntil: null,
				code: codes.welcomed,
				reason: 'welcome',
			},
			commands: [
				{ do: 'cancel', timer: 'greeting' },
				{ do: 'timer', timer: 'stable', delay: options.stableAfter },
				{ do: 'timer', timer: 'silence', delay: heartbeat },
			],
		};
	},

	/** Anything arrived. */
	heard(state, { now }) {
		return state.phase === 'open' ? { state: { ...state, heardAt: now, pingedAt: null, probeUntil: null }, commands: [] } : null;
	},

	/** The server said goodbye; the close that follows is judged with this. */
	goodbye(state, { retryAfter }) {
		return { state: { ...state, retryAfter: Math.max(0, retryAfter) }, commands: [] };
	},

	/** The socket is gone or useless. */
	lost(state, event, options) {
		return inFlight(state) ? fail(state, event, options) : null;
	},

	/** The bridge does not accept the token. One attempt with a new one, then the person has to sign in. */
	unauthorized(state, { reason, canRefresh }, options) {
		if (!inFlight(state)) {
			return null;
		}
		if (canRefresh && !state.freshToken) {
			const failed = fail(state, { code: codes.unauthorized, reason }, options);
			return { ...failed, state: { ...failed.state, freshToken: true } };
		}
		return halt(state, codes.unauthorized, reason);
	},

	/** The bridge will never answer this hello (a bad client id, an actor it does not take): trying again is of no use. */
	refused(state, { reason }) {
		return inFlight(state) ? halt(state, codes.refused, reason) : null;
	},

	retry(state) {
		return state.phase === 'waiting' ? open(state, state.code, state.reason) : null;
	},

	greeting(state, event, options) {
		return state.phase === 'opening' || state.phase === 'greeting'
			? fail(state, { code: codes.timeout, reason: 'the server did not answer in time' }, options)
			: null;
	},

	stable(state) {
		return state.phase === 'open' ? { state: { ...state, failures: 0 }, commands: [] } : null;
	},

	/** The silence timer: a heartbeat without a word is answered with a ping, two without a word are the end. */
	silence(state, { now }, options) {
		if (state.phase !== 'open') {
			return null;
		}
		const limit = 2 * state.heartbeat;
		const silent = now - state.heardAt;
		if (silent >= limit || (state.probeUntil !== null && now >= state.probeUntil)) {
			return fail(state, { code: codes.silent, reason: 'the connection went silent' }, options);
		}
		if (silent < state.heartbeat) {
			return { state, commands: [{ do: 'timer', timer: 'silence', delay: state.heartbeat - silent }] };
		}
		const commands = [{ do: 'timer', timer: 'silence', delay: limit - silent }];
		if (state.pingedAt === null) {
			commands.unshift({ do: 'ping' });
		}
		return { state: { ...state, pingedAt: state.pingedAt ?? now }, commands };
	},

	hidden(state) {
		return { state: { ...state, hidden: true }, commands: [] };
	},

	/** The page is looked at again: a connection that died while the machine slept must not look alive. */
	visible(state, { now }, options) {
		const shown = { ...state, hidden: false };
		switch (state.phase) {
			case 'waiting':
				return open(shown, state.code, 'the page is visible again');
			case 'open':
				return probe(shown, now, options);
			default:
				return { state: shown, commands: [] };
		}
	},

	/** The browser's word is a hint, not a fact (it says "offline" while a local server answers): check. */
	offline(state, { now }, options) {
		const told = { ...state, network: false, code: codes.network, reason: 'the browser reports no network' };
		return state.phase === 'open' ? probe({ ...state, network: false }, now, options) : { state: told, commands: [] };
	},

	online(state, { now }, options) {
		const told = { ...state, network: true };
		switch (state.phase) {
			case 'waiting':
				return open(told, codes.network, 'the network is back');
			case 'open':
				return probe(told, now, options);
			default:
				return { state: told, commands: [] };
		}
	},
};

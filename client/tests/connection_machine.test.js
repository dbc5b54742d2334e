import assert from 'node:assert/strict';
import test from 'node:test';
import { backoff } from '../src/backoff.js';
import { codes, defaults, initial, publicState, step } from '../src/connection_machine.js';
import { seeded } from './fakes/clock.js';

const options = { ...defaults, random: () => 0.5 };

function run(...events) {
	let state = initial();
	let commands = [];
	let now = 0;
	for (const event of events) {
		now = event.now ?? now;
		({ state, commands } = step(state, { now, ...event }, options));
	}
	return { state, commands, names: commands.map((command) => command.timer ?? command.do) };
}

const connect = [{ type: 'start' }, { type: 'opened' }, { type: 'welcomed', heartbeat: 10_000 }];
const timer = (commands, name) => commands.find((command) => command.do === 'timer' && command.timer === name);

test('start, open socket, welcome lead from disconnected over connecting to connected', () => {
	assert.equal(publicState(initial()), 'disconnected');
	assert.equal(publicState(run(connect[0]).state), 'connecting');
	assert.equal(publicState(run(...connect.slice(0, 2)).state), 'connecting');
	assert.equal(publicState(run(...connect).state), 'connected');
});

test('a lost connection waits, drops the socket, and tries again', () => {
	const { state, commands } = run(...connect, { type: 'lost', code: 1006, reason: 'gone' });
	assert.equal(publicState(state), 'connecting');
	assert.ok(commands.some((command) => command.do === 'drop'));
	assert.equal(timer(commands, 'retry').delay, 300); // half of 100…500
	assert.equal(run(...connect, { type: 'lost', code: 1006 }, { type: 'retry' }).state.phase, 'opening');
});

test('backoff grows, stays within floor and ceiling, and is jittered over the whole range', () => {
	const random = seeded(7);
	for (let attempt = 0; attempt < 40; attempt++) {
		const ceiling = Math.min(20_000, 500 * 2 ** attempt);
		const delays = Array.from({ length: 200 }, () => backoff(attempt, { floor: 100, base: 500, max: 20_000, random }));
		assert.ok(Math.min(...delays) >= 100 && Math.max(...delays) <= ceiling);
		assert.ok(Math.max(...delays) - Math.min(...delays) > 0.8 * (ceiling - 100), 'full jitter');
	}
});

test("the server's retry_after is the minimum, and jitter comes on top", () => {
	const goodbye = [...connect, { type: 'goodbye', retryAfter: 3000 }, { type: 'lost', code: 1012 }];
	assert.equal(timer(run(...goodbye).commands, 'retry').delay, 3300);
});

test('the backoff starts over only after a connection was stable', () => {
	const fail = { type: 'lost', code: 1006 };
	const flapping = [...connect, fail, { type: 'retry' }, ...connect.slice(1), fail];
	assert.equal(run(...flapping).state.failures, 2);
	const steady = [...connect, fail, { type: 'retry' }, ...connect.slice(1), { type: 'stable' }, fail];
	assert.equal(run(...steady).state.failures, 1);
});

test('after several failures the state is offline, and attempts go on', () => {
	const fail = [{ type: 'lost', code: 1006 }, { type: 'retry' }];
	const { state } = run(...connect, ...fail, ...fail, ...fail, fail[0]);
	assert.equal(publicState(state, options), 'offline');
	assert.equal(step(state, { type: 'retry' }, options).state.phase, 'opening');
	assert.equal(publicState(run(...connect, ...fail, ...fail, ...fail, ...fail, ...connect.slice(1)).state, options), 'connected');
});

test('a silent heartbeat is answered with a ping, two are the end of the connection', () => {
	const quiet = run(...connect, { type: 'silence', now: 10_000 });
	assert.deepEqual(quiet.names, ['ping', 'silence']);
	assert.equal(publicState(quiet.state), 'connected');
	const dead = run(...connect, { type: 'silence', now: 10_000 }, { type: 'silence', now: 20_000 });
	assert.equal(dead.state.phase, 'waiting');
	assert.equal(dead.state.code, codes.silent);
	const alive = run(...connect, { type: 'silence', now: 10_000 }, { type: 'heard', now: 15_000 }, { type: 'silence', now: 20_000 });
	assert.equal(alive.state.phase, 'open');
	assert.equal(timer(alive.commands, 'silence').delay, 5_000);
});

test('a page that becomes visible tries at once, or checks the connection it has', () => {
	const waiting = run(...connect, { type: 'hidden' }, { type: 'lost', code: 1006 });
	assert.equal(timer(waiting.commands, 'retry').delay, 30_300, 'a hidden page is in no hurry');
	assert.equal(step(waiting.state, { type: 'visible', now: 0 }, options).state.phase, 'opening');
	const probed = run(...connect, { type: 'visible', now: 1000 });
	assert.equal(probed.commands[0].do, 'ping');
	const dead = step(probed.state, { type: 'silence', now: 1000 + defaults.probeTimeout }, options);
	assert.equal(dead.state.phase, 'waiting');
	const alive = step(step(probed.state, { type: 'heard', now: 1001 }, options).state, { type: 'silence', now: 5000 }, options);
	assert.equal(alive.state.phase, 'open');
});

test("the browser's offline is checked, and its online ends the waiting", () => {
	const told = run(...connect, { type: 'offline', now: 5 });
	assert.equal(publicState(told.state), 'connected');
	assert.equal(told.commands[0].do, 'ping');
	const lost = step(told.state, { type: 'lost', code: 1006 }, options);
	assert.equal(publicState(lost.state), 'offline');
	assert.equal(step(lost.state, { type: 'online', now: 6 }, options).state.phase, 'opening');
});

test('an unauthorized client asks for one new token, then stops', () => {
	const first = run({ type: 'start' }, { type: 'opened' }, { type: 'unauthorized', reason: 'expired', canRefresh: true });
	assert.equal(first.state.phase, 'waiting');
	const again = step(first.state, { type: 'retry' }, options);
	assert.deepEqual(again.commands.at(-1), { do: 'open', freshToken: true });
	const second = step(again.state, { type: 'unauthorized', reason: 'expired', canRefresh: true }, options);
	assert.equal(publicState(second.state), 'disconnected');
	assert.equal(second.state.code, codes.unauthorized);
	assert.equal(run({ type: 'start' }, { type: 'unauthorized', canRefresh: false }).state.phase, 'idle');
});

test('every event is taken in every phase, and only the documented phases come out', () => {
	const phases = {
		idle: [],
		opening: [connect[0]],
		greeting: connect.slice(0, 2),
		open: connect,
		waiting: [...connect, { type: 'lost', code: 1006 }],
	};
	const events = [
		'start', 'stop', 'refresh', 'opened', 'welcomed', 'heard', 'goodbye', 'lost', 'unauthorized', 'refused', 'retry', 'greeting',
		'stable', 'silence', 'hidden', 'visible', 'offline', 'online',
	];
	for (const [phase, path] of Object.entries(phases)) {
		for (const type of events) {
			const { state, commands } = run(...path, { type, now: 1, heartbeat: 1000, retryAfter: 0, code: 1, reason: '' });
			assert.ok(Object.hasOwn(phases, state.phase), `${phase} × ${type}`);
			if (state.phase === 'waiting' && phase !== 'waiting') {
				assert.ok(timer(commands, 'retry'), `${phase} × ${type}: waiting without a timer would wait for ever`);
			}
			if (phase === 'waiting' && state.phase === 'waiting') {
				assert.ok(!commands.some((command) => command.do === 'cancel'), `${phase} × ${type} must not stop the retry timer`);
			}
			if (state.phase === 'opening' && phase !== 'opening') {
				assert.ok(commands.some((command) => command.do === 'open'), `${phase} × ${type}`);
			}
			if (phase === 'open' && state.phase !== 'open') {
				assert.ok(commands.some((command) => command.do === 'drop'), `${phase} × ${type} must give the socket up`);
			}
		}
	}
	assert.throws(() => step(initial(), { type: 'nonsense' }, options), /unknown connection event/);
});

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import test from 'node:test';
import { claimClientId, uuid } from '../src/client_id.js';
import { FakeClock, settled } from './fakes/clock.js';

function storage(values = {}) {
	return { getItem: (name) => values[name] ?? null, setItem: (name, value) => (values[name] = value), values };
}

// Web Locks of one origin.
function lockManager() {
	const held = new Set();
	return {
		async request(name, { ifAvailable }, callback) {
			assert.equal(ifAvailable, true);
			if (held.has(name)) {
				return callback(null);
			}
			held.add(name);
			await callback({ name });
			held.delete(name);
			return undefined;
		},
	};
}

// BroadcastChannels of one origin.
function channels() {
	const open = new Set();
	return class {
		constructor() {
			open.add(this);
		}

		postMessage(data) {
			for (const other of open) {
				if (other !== this) {
					setImmediate(() => other.onmessage?.({ data }));
				}
			}
		}

		close() {
			open.delete(this);
		}
	};
}

let last = 0;
const newId = () => `id-${++last}`;

test('a tab keeps its id over a reload', async () => {
	const locks = lockManager();
	const own = storage();
	const first = await claimClientId({ storage: own, locks, newId });
	first.release();
	await settled();
	const second = await claimClientId({ storage: own, locks, newId });
	assert.equal(second.id, first.id);
});

test('a duplicated tab finds the id taken and draws its own, which it keeps', async () => {
	const locks = lockManager();
	const original = storage();
	const first = await claimClientId({ storage: original, locks, newId });
	const copy = storage({ ...original.values });
	const second = await claimClientId({ storage: copy, locks, newId });
	assert.notEqual(second.id, first.id);
	second.release();
	await settled();
	const reloaded = await claimClientId({ storage: copy, locks, newId });
	assert.equal(reloaded.id, second.id);
});

test('without Web Locks the other tabs are asked', async () => {
	const clock = new FakeClock();
	const BroadcastChannel = channels();
	const original = storage();
	const claim = (own) => {
		const promise = claimClientId({ storage: own, BroadcastChannel, clock, newId });
		return clock.advance(100).then(() => clock.advance(100)).then(() => promise);
	};
	const first = await claim(original);
	const second = await claim(storage({ ...original.values }));
	assert.notEqual(second.id, first.id);
	first.release();
	const third = await claim(storage({ ...original.values }));
	assert.equal(third.id, first.id, 'free again');
});

test('of two duplicates that ask at the same moment only one keeps the id', async () => {
	const clock = new FakeClock();
	const BroadcastChannel = channels();
	const values = { 'lockstep.client': 'shared' };
	const claims = [1, 2].map(() => claimClientId({ storage: storage({ ...values }), BroadcastChannel, clock, newId }));
	await clock.advance(100);
	await clock.advance(100);
	const ids = (await Promise.all(claims)).map(({ id }) => id);
	assert.equal(ids.filter((id) => id === 'shared').length, 1);
});

test('forbidden storage costs the memory, not the connection', async () => {
	const forbidden = {
		getItem() {
			throw new Error('SecurityError');
		},
		setItem() {
			throw new Error('SecurityError');
		},
	};
	const { id } = await claimClientId({ storage: forbidden, newId });
	assert.match(id, /^id-/);
});

test('ids are UUIDs where crypto.randomUUID does not exist, too', () => {
	const insecure = { getRandomValues: (bytes) => webcrypto.getRandomValues(bytes) };
	for (const crypto of [insecure, webcrypto]) {
		assert.match(uuid(crypto), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	}
});

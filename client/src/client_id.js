// Who this tab is. The id lives in sessionStorage, so that a reload is the same client to the database (its locks, its
// unanswered writes). The browser copies sessionStorage when a tab is duplicated, and two tabs under one id would take
// each other's locks for their own: whoever finds the id in use draws a new one.

const NAME = 'lockstep.client';
const PROBE_MS = 80;

/** A version 4 UUID. crypto.randomUUID exists in secure contexts only, and Node 18 has no global crypto at all. */
export function uuid(crypto = globalThis.crypto) {
	if (typeof crypto?.randomUUID === 'function') {
		return crypto.randomUUID();
	}
	const bytes = new Uint8Array(16);
	if (crypto === undefined) {
		bytes.forEach((_, index) => (bytes[index] = Math.floor(Math.random() * 256)));
	} else {
		crypto.getRandomValues(bytes);
	}
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
	return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * The id of this tab, and `release()` for when the connection is closed for good.
 * @param world  {storage, locks, BroadcastChannel, clock, newId}: parts that are missing are done without
 */
export async function claimClientId(world) {
	const stored = read(world.storage);
	const id = stored ?? world.newId();
	const claim = await occupy(id, world);
	if (claim.free) {
		keep(world.storage, id);
		return { id, release: claim.release };
	}
	const own = world.newId();
	keep(world.storage, own);
	return { id: own, release: (await occupy(own, world)).release };
}

// sessionStorage may be forbidden (it throws then): the tab is a new client after each reload.
function read(storage) {
	try {
		return storage?.getItem(NAME) ?? undefined;
	} catch {
		return undefined;
	}
}

function keep(storage, id) {
	try {
		storage?.setItem(NAME, id);
	} catch {
		// as above
	}
}

function occupy(id, world) {
	if (world.locks !== undefined) {
		return occupyByLock(id, world.locks);
	}
	if (world.BroadcastChannel !== undefined) {
		return occupyByProbe(id, world);
	}
	return Promise.resolve({ free: true, release() {} });
}

// A Web Lock is held until the page is gone, whatever it dies of. (Secure contexts only: https and localhost.)
function occupyByLock(id, locks) {
	return new Promise((resolve) => {
		locks
			.request(`${NAME}:${id}`, { ifAvailable: true }, (lock) => {
				if (lock === null) {
					resolve({ free: false });
					return undefined;
				}
				return new Promise((release) => resolve({ free: true, release }));
			})
			.catch(() => resolve({ free: true, release() {} })); // no locks in this document (an opaque origin)
	});
}

// Asks the other tabs of this origin, and answers them from then on.
function occupyByProbe(id, { BroadcastChannel, clock, newId }) {
	return new Promise((resolve) => {
		const channel = new BroadcastChannel(NAME);
		const me = newId();
		let settled = false;
		const finish = (free) => {
			if (settled) {
				return;
			}
			settled = true;
			clock.clearTimeout(timer);
			if (!free) {
				channel.close();
			}
			resolve({ free, release: () => channel.close() });
		};
		channel.onmessage = ({ data }) => {
			if (data.id !== id || data.from === me) {
				return;
			}
			if (data.ask) {
				// Of two that ask at the same moment the one with the smaller nonce keeps the id.
				if (settled || me < data.from) {
					channel.postMessage({ id, from: me, ask: false });
				}
			} else if (!settled) {
				finish(false);
			}
		};
		const timer = clock.setTimeout(() => finish(true), PROBE_MS);
		channel.postMessage({ id, from: me, ask: true });
	});
}

// lockstep.js: live tables of a PostgreSQL database in the browser. No dependencies, no build step:
//
//   import { connect } from './lockstep.js';
//   const db = connect('ws://127.0.0.1:8420/v1/socket');
//   const orders = db.table('public.orders').where({ status: 'open' }).live();
//   orders.on('batch', () => render(orders.sorted((a, b) => a.id - b.id)));
//   await orders.ready(5000);
//
// The user's page is docs/client.md, the types are in lockstep.d.ts.

import { Database, withDefaults } from './src/database.js';

/** Opens a connection that keeps itself up. `url` may be relative to the page ("/v1/socket"). */
export function connect(url, options = {}) {
	const settings = withDefaults(options);
	if (typeof settings.WebSocket !== 'function') {
		throw new TypeError('there is no WebSocket here: pass one as the option "WebSocket"');
	}
	return new Database(socketUrl(url), settings);
}

function socketUrl(url) {
	const absolute = new URL(url, globalThis.location?.href);
	absolute.protocol = absolute.protocol.replace(/^http/, 'ws');
	if (!/^wss?:$/.test(absolute.protocol)) {
		throw new TypeError(`not the address of a WebSocket: "${url}"`);
	}
	return absolute.href;
}

export { Database } from './src/database.js';
export { LiveTable, Query } from './src/live.js';
export { ConflictError, LockedError, LockstepError, UnauthorizedError } from './src/errors.js';
export { ExactNumber, parse, stringify } from './src/exact.js';
export { codes } from './src/connection_machine.js';

// Checked by the TypeScript compiler (types.test.js), never run.

import { ConflictError, connect, type Change, type LiveTable } from '../lockstep.js';

interface Order {
	id: number;
	status: 'open' | 'done';
	total: number;
	row_version: number;
}

const db = connect('/v1/socket', { getToken: async () => 'token', timing: { offlineAfter: 2 } });
const orders: LiveTable<Order> = db.table<Order>('public.orders').where({ status: 'open', total: { gt: 100 } }).live();
const remove: () => void = orders.on('change', (change: Change<Order>) => {
	switch (change.op) {
		case 'insert':
		case 'enter':
			change.row.total.toFixed(2);
			break;
		case 'update':
			change.old.status?.toUpperCase();
			break;
		case 'delete':
		case 'leave':
			change.old.id;
			// @ts-expect-error there is no new row
			change.row;
			break;
		case 'truncate':
			change.count.toFixed();
	}
});
remove();
orders.ready(5000).then((table) => table.sorted((a, b) => a.id - b.id)[0]?.status);
db.on('state', ({ from, to }) => from === 'connecting' && to === 'offline');
// @ts-expect-error no such event
db.on('sate', () => {});
// @ts-expect-error no such column
db.table<Order>('public.orders').where({ colour: 'red' });
db.update('public.orders', 42, { status: 'done' }, { version: 8 }).catch((error) => {
	if (error instanceof ConflictError) {
		error.columns.join(', ');
	}
});
db.update('public.orders', 9007199254740993n, {}).then(({ version, xid }) => [version, xid.length]);
// @ts-expect-error an update has a key
db.write([{ op: 'update', table: 'public.orders', set: {} }]);

// The tables that the oracle torments, what its rows look like, and the filters its clients use.
//
// Each filter is given twice: as the protocol says it and as SQL says it. Each accepts the marker row of its table, so
// that a client that has the marker has everything that was committed before it.

export const setup = `
	CREATE EXTENSION lockstep;
	CREATE TABLE item (
		id bigint PRIMARY KEY, status text NOT NULL, priority int, open boolean, due timestamptz, owner uuid,
		total numeric(20,6), note text
	);
	CREATE TABLE part (
		code text, number int, quantity bigint NOT NULL, state text, checked timestamp, note text,
		PRIMARY KEY (code, number)
	);
	CREATE TABLE doc (id uuid PRIMARY KEY, size int, body jsonb, raw json, data bytea, weight float8, tags text[], note text);
	-- The test's own account of what was committed, in the writers' transactions: it owes nothing to lockstep.
	CREATE TABLE ledger (tx text PRIMARY KEY, xid xid8 NOT NULL);
	SELECT lockstep.track('item');
	SELECT lockstep.track('part');
	SELECT lockstep.track('doc');
	CREATE ROLE oracle_bridge LOGIN;
	GRANT lockstep_bridge TO oracle_bridge;
	GRANT SELECT, INSERT, UPDATE, DELETE ON item, part, doc TO oracle_bridge;
`

const statuses = ['open', 'done', 'waiting', 'Öffentlich', '']
const owners = ['00000000-0000-0000-0000-000000000001', 'c0ffee00-1234-4567-89ab-cdef01234567', 'ffffffff-ffff-ffff-ffff-ffffffffffff']
const maybe = (random, value) => (random.chance(0.2) ? null : value)
const moment = (random) => `20${random.int(25, 27)}-0${random.int(1, 9)}-${random.int(10, 28)} 1${random.int(0, 9)}:30:00.${random.int(0, 999999)}`
// Long texts are stored out of line; the log must hold them all the same.
const text = (random) => random.word(random.chance(0.03) ? random.int(3000, 30000) : random.int(0, 30))

export const tables = {
	item: {
		name: 'public.item',
		key: ['id'],
		randomKey: (random) => ({ id: String(random.chance(0.02) ? 9007199254740993n + BigInt(random.int(0, 9)) : random.int(1, 120)) }),
		moveKey: (random) => ({ id: `id + ${random.int(1, 40) * 1000}` }),
		columns: (random) => ({
			status: random.pick(statuses),
			priority: maybe(random, random.int(-3, 9)),
			open: maybe(random, random.chance(0.5)),
			due: maybe(random, `${moment(random)}+0${random.int(0, 9)}`),
			owner: maybe(random, random.pick(owners)),
			total: maybe(random, `${random.int(-1e9, 1e9)}.${random.int(0, 999999)}`),
			note: maybe(random, text(random)),
		}),
		marker: (n) => ({ id: -n, status: 'open', priority: 5, open: true, due: '2026-06-01 12:00Z', owner: owners[1], note: null }),
		filters: [
			{ where: { status: 'open' }, sql: `status = 'open'` },
			{ where: { status: { in: ['open', 'Öffentlich'] }, priority: { gte: 3 } }, sql: `status IN ('open', 'Öffentlich') AND priority >= 3` },
			{ where: { priority: { lt: 8 }, open: true }, sql: 'priority < 8 AND open' },
			{ where: { note: null }, sql: 'note IS NULL' },
			{ where: { status: { neq: 'done' }, due: { lt: '2026-07-01T00:00:00+02:00' } }, sql: `status <> 'done' AND due < '2026-07-01T00:00:00+02:00'` },
			{ where: { owner: owners[1] }, sql: `owner = '${owners[1]}'` },
			{ where: { status: { gt: 'e' } }, sql: `status > 'e'` },
			{ where: { id: { lte: 60 } }, sql: 'id <= 60' },
		],
		columnLists: [['status', 'priority'], ['total', 'row_version', 'id']],
	},
	part: {
		name: 'public.part',
		key: ['code', 'number'],
		randomKey: (random) => ({ code: random.pick(['a', 'B', 'ß', 'x y', '"q"']), number: String(random.int(1, 12)) }),
		moveKey: (random) => (random.chance(0.5) ? { number: `number + ${random.int(1, 9) * 100}` } : { code: `code || '+'` }),
		columns: (random) => ({
			quantity: String(random.chance(0.1) ? 9223372036854775807n : random.int(-100, 100)),
			state: maybe(random, random.pick(['new', 'used', 'lost'])),
			checked: maybe(random, moment(random)),
			note: maybe(random, text(random)),
		}),
		marker: (n) => ({ code: 'marker', number: n, quantity: 10, state: 'used', checked: '2026-01-01 00:00' }),
		filters: [
			{ where: { quantity: { gt: 0 } }, sql: 'quantity > 0' },
			{ where: { state: { in: ['used', 'lost'] } }, sql: `state IN ('used', 'lost')` },
			{ where: { checked: { gte: '2025-06-01T00:00:00' }, quantity: { neq: -1 } }, sql: `checked >= '2025-06-01' AND quantity <> -1` },
			{ where: { code: { gte: 'a' } }, sql: `code >= 'a'` },
		],
		columnLists: [['quantity']],
	},
	doc: {
		name: 'public.doc',
		key: ['id'],
		randomKey: (random) => ({ id: `00000000-0000-4000-8000-0000000000${random.int(10, 60)}` }),
		moveKey: (random) => ({ id: `'00000000-0000-4000-9000-0000000${random.int(10000, 99999)}'::uuid` }),
		columns: (random) => ({
			size: maybe(random, random.int(0, 100)),
			body: maybe(random, JSON.stringify({ n: random.int(0, 1e6), text: text(random), list: [1.5, null, true] })),
			raw: maybe(random, `{"b":  ${random.int(0, 99)}.10, "a":"\\u00e4", "b": 2}`),
			data: maybe(random, `\\x${random.int(0, 0xffffff).toString(16).padStart(6, '0')}`),
			weight: maybe(random, random.pick(['NaN', 'Infinity', '-0', '1e300', '0.1', '123456789.123456789'])),
			tags: maybe(random, random.pick(['{}', '{a,NULL,"b c"}', '{{x,y},{z,w}}'])),
			note: maybe(random, text(random)),
		}),
		marker: (n) => ({ id: `ffffffff-0000-4000-8000-${String(n).padStart(12, '0')}`, size: 50 }),
		filters: [
			{ where: { size: { gte: 20 } }, sql: 'size >= 20' },
			{ where: { id: { gt: '00000000-0000-4000-8000-000000000030' } }, sql: `id > '00000000-0000-4000-8000-000000000030'` },
			{ where: { note: { is: null } }, sql: 'note IS NULL' },
		],
		columnLists: [['size', 'body', 'weight']],
	},
}

export const version_column = 'row_version'

// Where the time goes: a backend that writes, one that is read from, and the bridge.

import { fanOutStand } from '../lib/fanout.js';
import { perfProblem, sample } from '../lib/perf.js';
import { BULK, SCRIPTS, makeTable } from '../variants.js';
import { CHANGES, position } from './catchup.js';

export const title = 'Profiles';
export const unavailable = perfProblem;

const SUBJECTS = {
	update: { what: 'a backend with single-row UPDATEs of a tracked table', profile: update },
	bulk_update: { what: 'a backend with UPDATEs of 100,000 rows of a tracked table', profile: bulkUpdate },
	changes: { what: 'a backend that is read from with `changes()`, page by page', profile: changes },
	paced: { what: 'the bridge, 1,000 clients × 100 changes/s', profile: (stand, quick) => bridge(stand, quick, 'latency', { rate: 100 }) },
	saturated: { what: 'the bridge, 1,000 clients at full speed', profile: (stand, quick) => bridge(stand, quick, 'saturate', { window: 1024, writers: 4 }) },
};

export async function run({ stand, quick }) {
	const rows = [];
	for (const [subject, { profile }] of Object.entries(SUBJECTS)) {
		const { objects, symbols } = await profile(stand, quick);
		rows.push({ subject, objects: objects.slice(0, 6), symbols: symbols.slice(0, 25) });
	}
	return { rows };
}

const seconds = (quick) => (quick ? 1 : 5);

/** The only backend of the present database that is not the stand's own. */
async function otherBackend(stand) {
	const { name, client } = stand.database;
	for (let tries = 0; tries < 500; tries += 1) {
		const { rows } = await client.query(
			`SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
			[name],
		);
		if (rows.length === 1) {
			return rows[0].pid;
		}
		await new Promise((next) => setTimeout(next, 10));
	}
	throw new Error('there is not one other backend');
}

async function update(stand, quick) {
	const { client } = await stand.freshDatabase();
	await makeTable(client, 'lockstep', 100_000);
	const writing = stand.pgbench(SCRIPTS.update(100_000), { clients: 1, seconds: seconds(quick) + 2, synchronous: false });
	const result = await sample(await otherBackend(stand), seconds(quick), stand.directory);
	await writing;
	return result;
}

async function bulkUpdate(stand, quick) {
	const { name, client } = await stand.freshDatabase();
	await makeTable(client, 'lockstep', 100_000);
	const writer = await stand.connect(name);
	const pid = await otherBackend(stand);
	let stop = false;
	const writing = (async () => {
		while (!stop) {
			await writer.query(BULK.update());
		}
	})();
	const result = await sample(pid, seconds(quick), stand.directory);
	stop = true;
	await writing;
	await writer.end();
	return result;
}

async function changes(stand, quick) {
	const { name, client } = await stand.freshDatabase();
	await makeTable(client, 'lockstep', 100_000);
	const since = await position(client);
	for (let i = 0; i < (quick ? 1 : 3); i += 1) {
		await stand.pgbench(SCRIPTS.update(100_000), { clients: 4, transactions: 50_000, synchronous: false });
	}
	await client.query('VACUUM ANALYZE');
	const reader = await stand.connect(name);
	const pid = await otherBackend(stand);
	let stop = false;
	const reading = (async () => {
		for (let place = since; !stop; ) {
			const { rows } = await reader.query({ name: 'page', text: CHANGES(2000), values: [place] });
			place = rows.at(-1)?.position ?? since; // from the start again, as long as it takes
		}
	})();
	const result = await sample(pid, seconds(quick), stand.directory);
	stop = true;
	await reading;
	await reader.end();
	return result;
}

async function bridge(stand, quick, mode, options) {
	const server = await fanOutStand(stand);
	let measuring;
	const begun = new Promise((done) => (measuring = done));
	const db = `${stand.conninfo(stand.database.name)} options='-c synchronous_commit=${mode === 'latency' ? 'on' : 'off'}'`;
	const load = stand.load(
		mode,
		{ db, port: server.port, table: 'public.tick', clients: quick ? 100 : 1000, seconds: seconds(quick) + 1, ...options },
		({ event }) => event === 'measuring' && measuring(),
	);
	await Promise.race([begun, load.result]);
	const result = await sample(server.pid, seconds(quick), stand.directory);
	await load.result;
	await server.stop();
	return result;
}

export function tables({ rows }) {
	const percent = (value) => `${(value * 100).toFixed(1)} %`;
	return rows.map(({ subject, objects, symbols }) => ({
		name: `profile-${subject}`,
		caption: SUBJECTS[subject].what,
		columns: ['function', 'share', 'object', 'share'],
		rows: symbols.slice(0, 12).map(({ name, share }, i) => [
			`\`${name}\``,
			percent(share),
			objects[i] === undefined ? '' : `\`${objects[i].name}\``,
			objects[i] === undefined ? '' : percent(objects[i].share),
		]),
	}));
}

// A visitor at the demo: opens the page, changes a record as the page would, and sees what others change.
//
//   node visitor.js watch URL CLIENT COMMAND…   COMMAND is what the demo suggests typing in a terminal: it sets record 1 to "done"
//   node visitor.js look URL CLIENT             after a restart: record 1 is still "done"
//
// CLIENT is the folder of lockstep.js. Prints a line for each thing seen, "ok …" or "not ok …". Needs the package ws beside it.

import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import WebSocket from 'ws';

const [task, url, client, ...command] = process.argv.slice(2);
const { connect } = await import(pathToFileURL(resolve(client, 'lockstep.js')));

const TABLE = 'public.registration';
const PATIENCE = 30_000;

function within(what, promise) {
	let timer;
	const late = new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Error(`waited ${PATIENCE / 1000} s in vain`)), PATIENCE);
	});
	return Promise.race([promise, late]).then(
		(value) => {
			console.log(`ok ${what}`);
			return value;
		},
		(error) => {
			console.log(`not ok ${what}: ${error.message}`);
			process.exit(1);
		},
	).finally(() => clearTimeout(timer));
}

/** Resolves when the live table shows record 1 with this status. */
function shows(live, status) {
	return new Promise((done) => {
		const look = () => {
			const row = [...live.rows.values()][0];
			if (row?.status === status) {
				done(row);
			}
		};
		live.on('batch', look);
		look();
	});
}

async function get(path) {
	const answer = await fetch(new URL(path, url));
	if (answer.status !== 200) {
		throw new Error(`${path} answers ${answer.status}`);
	}
	return answer.text();
}

await within('the page answers 200', get('/').then((page) => {
	if (!page.includes('<script')) {
		throw new Error('there is no script in it');
	}
}));
await within('the page finds lockstep.js', get('/client/lockstep.js'));

const socket = new URL('/v1/socket', url);
socket.protocol = 'ws:';
const db = connect(socket.href, { WebSocket });
const live = db.table(TABLE).where({ id: 1 }).live();
await within('a live table is ready', live.ready());
const [row] = live.rows.values();

if (task === 'look') {
	await within('the data of the first time is there', Promise.resolve().then(() => {
		if (row?.status !== 'done') {
			throw new Error(`the status of record 1 is ${row?.status}`);
		}
	}));
} else {
	const status = row.status === 'in progress' ? 'open' : 'in progress';
	const seen = shows(live, status);
	await within('a record is changed over the socket', db.update(TABLE, 1, { status }, { version: row.row_version }));
	await within('the change comes back in the live table', seen);
	const done = shows(live, 'done');
	await within('the suggested command runs', Promise.resolve().then(() => {
		const { status: code, error, stderr } = spawnSync('sh', ['-c', command.join(' ')], { encoding: 'utf8' });
		if (code !== 0) {
			throw error ?? new Error(stderr);
		}
	}));
	await within('what the command changes comes in the live table', done);
}
await db.close();

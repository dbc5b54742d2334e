#!/usr/bin/env node
// Writes a CSV of synthetic registrations to standard output: the same for the same seed.
//
//   node generate-csv.js [--rows 3000] [--seed 1] [--bad 0] >registrations.csv
//
// --bad N spoils N lines, each in one of several ways, to see what an import says about them.

const options = { rows: 3000, seed: 1, bad: 0 };
for (let n = 2; n < process.argv.length; n += 2) {
	const name = process.argv[n].replace(/^--/, '');
	const value = Number(process.argv[n + 1]);
	if (!Object.hasOwn(options, name) || !Number.isInteger(value) || value < 0) {
		console.error('usage: generate-csv.js [--rows N] [--seed N] [--bad N]');
		process.exit(2);
	}
	options[name] = value;
}

// mulberry32
let state = options.seed >>> 0;
function random() {
	state = (state + 0x6d2b79f5) >>> 0;
	let t = state;
	t = Math.imul(t ^ (t >>> 15), t | 1);
	t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
	return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const pick = (list) => list[Math.floor(random() * list.length)];

const GIVEN = ['Aïcha', 'Björn', 'Carla', 'Dragan', 'Emeka', 'Fatma', 'George', 'Hana', 'Ivo', 'Jürgen', 'Katya', 'Liam', 'Małgorzata'];
const FAMILY = ["O'Brien", 'Núñez', 'Lindqvist', 'Okafor', 'Meyer', 'Rossi', 'Smith', 'Tanaka', 'Weiß', 'Yılmaz', 'Zając'];
const BODY = ['Ltd', '& Sons', '"Quick" Repairs', 'Rowing Club', 'Logistics, Inc.', 'Choir', 'Studio'];
const NOTES = ['', '', '', 'Proof of address is missing.', 'Called back; "will send it", he said.', 'Two vehicles,\none form.'];

function record(number) {
	const category = pick(['company', 'association', 'event', 'vehicle']);
	const given = pick(GIVEN);
	const family = pick(FAMILY);
	const plain = (text) => text.normalize('NFD').replace(/[^a-zA-Z]/g, '').toLowerCase();
	const day = new Date(Date.UTC(2026, 0, 1 + Math.floor(random() * 300))).toISOString().slice(0, 10);
	return {
		reference: `I-${String(options.seed).padStart(2, '0')}-${String(number).padStart(5, '0')}`,
		applicant: category === 'company' || category === 'association' ? `${family} ${pick(BODY)}` : `${given} ${family}`,
		email: `${plain(given)}.${plain(family)}@example.org`,
		category,
		amount: (20 + random() * 5000).toFixed(2),
		submitted: day,
		status: pick(['open', 'open', 'open', 'in progress']),
		assigned_to: pick(['', '', 'alice', 'bob', 'carol']),
		note: pick(NOTES),
	};
}

const SPOIL = [
	(row) => (row.applicant = ''),
	(row) => (row.email = 'nobody at nowhere'),
	(row) => (row.category = 'spaceship'),
	(row) => (row.amount = 'twelve'),
	(row) => (row.submitted = '2026-02-30'),
	(row, rows) => (row.reference = rows[0].reference),
];

const rows = Array.from({ length: options.rows }, (_, index) => record(index + 1));
for (let n = 0; n < Math.min(options.bad, options.rows - 1); n++) {
	const at = 1 + Math.floor((n * (options.rows - 1)) / options.bad);
	SPOIL[n % SPOIL.length](rows[at], rows);
}

const quote = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
const names = Object.keys(rows[0] ?? record(1));
const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
process.stdout.write(lines.map((line) => line.map(quote).join(',')).join('\n') + '\n');

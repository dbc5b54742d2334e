// The page: one live table of all registrations, and the parts that show and change it.

import { connect } from '/client/lockstep.js';
import { Activity } from './activity.js';
import { Announcer } from './announcer.js';
import { ConnectionStatus } from './status.js';
import { DoneAction } from './done.js';
import { ImportDialog } from './import.js';
import { Latency } from './latency.js';
import { Marks } from './marks.js';
import { RecordPanel } from './panel.js';
import { RecordTable } from './table.js';
import { Tools } from './tools.js';
import { Writes } from './writes.js';
import { $ } from './dom.js';
import { TABLE } from './fields.js';
import { askName, currentName } from './identity.js';
import { listenForShortcuts } from './shortcuts.js';
import { readAddress, writeAddress } from './view_state.js';
import { takeBack, toast } from './toast.js';
import { themeSwitch } from './theme_switch.js';

themeSwitch($('#theme'));
const name = currentName() ?? (await askName());
$('#who').textContent = name;
$('#who').setAttribute('aria-label', `You are ${name}. Change your name`);
$('#who').addEventListener('click', async () => {
	const other = await askName(name);
	if (other !== undefined && other !== name) {
		location.reload(); // a connection has one actor; a new name begins a new one
	}
});

const db = connect('/v1/socket', { actor: name });
const records = db.table(TABLE).live();
const mine = (change) => change.client === db.client;

const marks = new Marks();
const writes = new Writes(db, records);
const latency = new Latency(db);
const done = new DoneAction(records, writes);
const activity = new Activity(new Announcer($('#announcer')), { open: (id) => panel.open(id) });

const begin = readAddress(location.search);
let opened = begin.record;
const tools = new Tools(begin);
const keepAddress = () => history.replaceState(null, '', writeAddress({ ...table.view, record: opened }));
const table = new RecordTable(records, writes, marks, begin, {
	open: (id) => panel.open(id),
	toggleDone: (row) => (panel.dirtyOn(row.id) ? toast('Save, or close, the record first.') : void done.toggle(row)),
	viewChanged: () => keepAddress(),
	drawn: (state) => tools.show(state),
});
tools.attach(table);
const panel = new RecordPanel($('#side'), db, records, writes, {
	idle: () => activity.element,
	opened: (id) => {
		opened = id;
		table.select(id);
		keepAddress();
	},
	closed: () => {
		opened = null;
		table.select(null, { focus: true });
		keepAddress();
	},
});
const status = new ConnectionStatus(db, records, writes, {
	live: (since) => latency.live(since),
	missed: (ids) => marks.miss(ids),
	seen: () => {
		marks.forgetMissed();
		table.draw();
	},
});

records.on('batch', (batch) => {
	if (!batch.first) {
		status.note(batch, mine, (time) => latency.serverTime(time));
		latency.note(batch);
		if (!batch.refetch) {
			marks.note(batch.changes, mine, Date.now());
		}
	}
	table.changed(batch);
	panel.changed(batch);
	if (batch.first) {
		void (opened !== null && panel.open(opened, { focus: false }));
	} else {
		activity.add(batch, mine);
	}
});
records.on('refetch', ({ reason }) => toast(`All records were read again: ${reason}.`));
records.on('error', (error) => status.fail(error));
db.on('error', (error) => {
	console.warn(error);
	status.fail(error);
});

const importer = new ImportDialog(db, records);
$('#import').addEventListener('click', () => importer.choose());
importer.acceptDrops($('#dropzone'));
$('#create').addEventListener('click', () => panel.create());
$('#toast-action').addEventListener('click', takeBack);
$('#changes').addEventListener('click', () => {
	const shown = document.body.classList.toggle('changes-open');
	$('#changes').setAttribute('aria-expanded', String(shown));
});

listenForShortcuts({
	'/': () => $('#search').focus(),
	n: () => panel.create(),
	i: () => importer.choose(),
	u: () => tools.showPending(),
	z: () => takeBack(),
});
window.addEventListener('beforeunload', (event) => {
	if (panel.dirty || writes.size > 0 || importer.busy) {
		event.preventDefault();
	}
});

// The page: one live table of all registrations, and the parts that show and change it.

import { connect } from '/client/lockstep.js';
import { Activity } from './activity.js';
import { ConnectionStatus } from './status.js';
import { ImportDialog } from './import.js';
import { RecordPanel } from './panel.js';
import { RecordTable } from './table.js';
import { $ } from './dom.js';
import { TABLE } from './fields.js';
import { askName, currentName } from './identity.js';
import { toast } from './toast.js';

const name = currentName() ?? (await askName());
$('#who').textContent = name;
$('#who').addEventListener('click', async () => {
	const other = await askName(name);
	if (other !== null && other !== name) {
		location.reload(); // a connection has one actor; a new name begins a new one
	}
});

const db = connect('/v1/socket', { actor: name });
const records = db.table(TABLE).live();
const status = new ConnectionStatus(db, records);

const table = new RecordTable(records, { open: (id) => panel.open(id) });
const activity = new Activity($('#announcer'), { me: () => db.client, open: (id) => panel.open(id) });
const panel = new RecordPanel($('#side'), db, records, {
	idle: () => activity.element,
	opened: (id) => table.select(id),
	closed: () => table.select(null, { focus: true }),
});
panel.close();

records.on('batch', (batch) => {
	const mine = (change) => change.client === db.client;
	table.changed(batch, mine);
	panel.changed(batch);
	if (!batch.first) {
		activity.add(batch, mine);
		status.measure(batch);
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

document.addEventListener('keydown', (event) => {
	const typing = event.target.closest('input, textarea, select, dialog');
	if (event.key === '/' && !typing) {
		event.preventDefault();
		$('#search').focus();
	}
});
window.addEventListener('beforeunload', (event) => {
	if (panel.dirty || db.unanswered > 0) {
		event.preventDefault();
	}
});

// Waiting for the live table to show what the database has said already: answers to writes and the feed of changes
// travel by themselves, and either may be first.

const WAIT_MS = 5_000;

/** The record once it is at `version` or later; undefined when it is gone; after five seconds, as it is. */
export function rowAtVersion(records, id, version) {
	const there = () => {
		const row = records.get(id);
		return row !== undefined && Number(row.row_version) >= Number(version);
	};
	const gone = () => version === null && !records.rows.has(id);
	return new Promise((resolve) => {
		const finish = () => {
			clearTimeout(timer);
			remove();
			resolve(records.get(id));
		};
		const look = () => (there() || gone()) && finish();
		const timer = setTimeout(finish, WAIT_MS);
		const remove = records.on('batch', look);
		look();
	});
}

// What the server knows about one transaction, for whoever must explain a divergence.

/// `row`: { label, key } of a row that is concerned.
export function story(place, xid, row) {
	return place.insist(async (client) => {
		const lines = []
		const show = async (title, sql, values) => {
			const { rows } = await client.query(sql, values)
			lines.push(`--- ${title}`, ...rows.slice(0, 60).map((row) => Object.values(row).map((value) => short(value)).join(' | ')))
		}
		await show('prepared', 'SELECT gid, transaction::text FROM pg_prepared_xacts', [])
		await show('tracked', 'SELECT table_name, relid::text FROM lockstep.tracked ORDER BY 1', [])
		await show('segments', 'SELECT number, closed_at, first_xid, last_xid, first_seq, last_seq, changes FROM lockstep.segment ORDER BY number', [])
		await show('retirement', 'SELECT position::text, last_at, segments FROM lockstep.retirement', [])
		if (row) {
			await show(`${row.label} ${row.key} in the witness`, `SELECT c.xid, d.tx, c.op, c.before ->> 'row_version', c.after ->> 'row_version', (SELECT min(seq) || ' to ' || max(seq) || ' in ' || string_agg(DISTINCT segment::text, ',') FROM lockstep.change g WHERE g.xid = c.xid)
				FROM witness.change c JOIN witness.deed d USING (xid) WHERE c.label = $1 AND (c.before @> $2::jsonb OR c.after @> $2::jsonb) ORDER BY c.n DESC LIMIT 20`, [row.label, row.key])
		}
		if (xid === null) return lines.join('\n')
		await show(`transaction ${xid} in the witness`, 'SELECT tx FROM witness.deed WHERE xid = $1::text::xid8', [xid])
		await show('its changes', 'SELECT n, label, op, replica, before, after FROM witness.change WHERE xid = $1::text::xid8 ORDER BY n', [xid])
		await show('its changes of shape', 'SELECT n, label, what, done, before IS NULL, after IS NULL FROM witness.shape WHERE xid = $1::text::xid8 ORDER BY n', [xid])
		await show('its changes in the log', `SELECT seq, ordinal, root::regclass::text, leaf::regclass::text, op, key, version, row, old, omitted FROM lockstep.change WHERE xid = $1::text::xid8 ORDER BY seq`, [xid])
		return lines.join('\n')
	})
}

function short(value) {
	const text = String(value)
	return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text
}

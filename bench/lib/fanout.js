// A bridge with many clients, and a table of 100 rows that changes.

import { cpuSeconds, serverCpuSeconds } from './processes.js';

/** A fresh database with the table, and the bridge for it. */
export async function fanOutStand(stand, ...flags) {
	const { client } = await stand.freshDatabase();
	// About 220 bytes a message of a single change without its transaction, as in other people's measurements. Row 0 is the marker's.
	await client.query(`
		CREATE TABLE tick (id bigint PRIMARY KEY, sent_ns bigint NOT NULL, payload text NOT NULL);
		INSERT INTO tick SELECT n, 0, repeat('x', 100) FROM generate_series(0, 100) AS n;
		SELECT lockstep.track('tick');
		GRANT SELECT ON tick TO bench_bridge`);
	await client.query('VACUUM ANALYZE tick');
	await client.query('CHECKPOINT');
	return stand.bridge(...flags);
}

/** Runs the load client in `mode` with `options`. Resolves with its result and the CPU that server and bridge spent meanwhile. */
export async function fanOut(stand, mode, options, synchronous = true) {
	const bridge = await fanOutStand(stand);
	let before;
	const spent = () => ({ bridge: cpuSeconds(bridge.pid), server: serverCpuSeconds(stand.postmaster) });
	const db = `${stand.conninfo(stand.database.name)} options='-c synchronous_commit=${synchronous ? 'on' : 'off'}'`;
	const { result } = stand.load(mode, { db, port: bridge.port, table: 'public.tick', ...options }, (event) => {
		if (event.event === 'measuring') {
			before = spent();
		}
	});
	const figures = await result;
	const after = spent();
	await bridge.stop();
	return { ...figures, bridge_cpu_s: after.bridge - before.bridge, server_cpu_s: after.server - before.server };
}

/** The figures of one run that are worth a median. */
export function figures(run) {
	const each = (seconds) => (seconds * 1e6) / run.deliveries;
	return {
		changes_per_s: run.changes / run.elapsed_s,
		deliveries_per_s: run.deliveries / run.elapsed_s,
		frames_per_s: run.frames / run.elapsed_s,
		changes_per_frame: run.deliveries / run.frames,
		bytes_per_delivery: run.frame_bytes / run.deliveries,
		p50_ms: run.p50_ms,
		p99_ms: run.p99_ms,
		p999_ms: run.p999_ms,
		max_ms: run.max_ms,
		commit_p50_ms: run.commit_p50_ms,
		commit_p99_ms: run.commit_p99_ms,
		late_ms: run.late_ms,
		behind: run.behind,
		missing: run.missing,
		coalesced: run.coalesced,
		bridge_cpu_us: each(run.bridge_cpu_s),
		server_cpu_us: each(run.server_cpu_s),
		bridge_cpu_us_per_frame: (run.bridge_cpu_s * 1e6) / run.frames,
		load_cpu_us: each(run.readers_cpu_s),
		bridge_cpu_share: run.bridge_cpu_s / run.elapsed_s,
		server_cpu_share: run.server_cpu_s / run.elapsed_s,
		load_cpu_share: (run.readers_cpu_s + run.writers_cpu_s) / run.elapsed_s,
	};
}

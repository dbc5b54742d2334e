// The SQL type lockstep.position, and positions as this backend sees them.
#pragma once

#include "core/position.hpp"

#include "pg/server.hpp"

namespace lockstep
{

/// How a position is stored: a varlena of fixed fields and the running transactions. Eight-byte aligned.
struct StoredPosition {
	int32 vl_len_;
	uint32 timeline;
	uint64 system;
	uint64 lsn;
	uint64 xmin;
	uint64 xmax;
	uint32 database;
	uint32 count;
	uint64 running[FLEXIBLE_ARRAY_MEMBER];
};

core::PositionView view(const StoredPosition *position);

/// Copies into palloc'd memory.
StoredPosition *store(const core::PositionView &position);

/// The text form, palloc'd.
char *position_text(const core::PositionView &position);

/// This database, in its present life. Raises an error on a hot standby.
core::Identity current_identity();

/// The active snapshot as a position, the caller's own transaction counted as not seen. Its xmax is at most `bound`. `running` is palloc'd.
/// Its lsn is 0: nothing is promised yet about what is durable.
core::PositionView active_position(core::Xid bound);

/// One past the largest transaction that both has changes in the log and is seen by the active snapshot. Nothing from there on was
/// ever delivered, so a position need not, and after a crash (which gives unused numbers out again) must not, claim to have seen it.
core::Xid logged_bound();

/// Can the commit log still say what became of a transaction? If not, it ended long ago.
bool is_in_commit_log(core::Xid xid);

/// Makes everything in the WAL so far durable; returns how far that is.
XLogRecPtr flush_all_wal();

} // namespace lockstep

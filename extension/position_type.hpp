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

/// This database in its present life, and how far its WAL is durable.
struct Place {
	core::Identity identity;
	XLogRecPtr lsn;
};

/// The end of what was written into the WAL so far, flushed or not. Not on a standby.
XLogRecPtr inserted_wal_end();

/// Makes the WAL durable, at least up to `upto`; all of it where that is the largest number there is. On a standby that is what is replayed.
Place durable_place(XLogRecPtr upto);
inline Place place_now()
{
	return durable_place(InvalidXLogRecPtr);
}

/// The active snapshot as a position, the caller's own transaction counted as not seen. Its xmax is at most `bound`. `running` is palloc'd.
/// It has neither identity nor lsn: nothing is promised yet about what is durable.
core::PositionView active_position(core::Xid bound);

/// Can the commit log still say what became of a transaction? If not, it ended long ago.
bool is_in_commit_log(core::Xid xid);

} // namespace lockstep

// What the functions in install/80-segments.sql cannot say in SQL.

#include "era.hpp"
#include "log_catalog.hpp"
#include "position_type.hpp"

#include "pg/server.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_segments_changed)
LOCKSTEP_SQL_FUNCTION(lockstep_retired_position)

using namespace lockstep;

/// lockstep.segments_changed()
extern "C" Datum lockstep_segments_changed(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcacheByRelid(log_catalog().change);
	PG_RETURN_VOID();
}

/// lockstep.retired_position(last_era integer, last_xid xid8, before position) → position
///
/// All that wrote to the segment have ended, so a snapshot of now sees them. Beyond the largest of them nothing is asked for: a transaction that
/// has been open for hours is none of them, and a position that does not see it must not be refused for that.
extern "C" Datum lockstep_retired_position(PG_FUNCTION_ARGS)
{
	const bool is_of_earlier_life = !PG_ARGISNULL(0) && PG_GETARG_INT32(0) < first_readable_era();
	if (is_of_earlier_life && PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (is_of_earlier_life)
		PG_RETURN_DATUM(PG_GETARG_DATUM(2));
	const core::Xid bound =
		PG_ARGISNULL(1) ? UINT64_MAX : U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(1)) + 1;
	// The caller's, where somebody drops a segment by hand, may be from before the last of them committed.
	PushActiveSnapshot(GetLatestSnapshot());
	core::PositionView position = active_position(bound);
	PopActiveSnapshot();
	const core::Identity here = place_now().identity;
	if (!PG_ARGISNULL(2)) {
		const core::PositionView before =
			view(reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(2))));
		const size_t room = Max(position.running.size(), before.running.size()) + 1;
		// Numbers of another system or database mean nothing here.
		if (before.identity.system == here.system && before.identity.database == here.database)
			position = core::unite(position, before, {palloc_array_of<core::Xid>(room), room});
	}
	position.identity = here;
	PG_RETURN_POINTER(store(position));
}

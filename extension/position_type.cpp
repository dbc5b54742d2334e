#include "position_type.hpp"

#include "logged_bound.hpp"

#include "pg/server.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_position_in)
LOCKSTEP_SQL_FUNCTION(lockstep_position_out)
LOCKSTEP_SQL_FUNCTION(lockstep_position_now)
LOCKSTEP_SQL_FUNCTION(lockstep_position_sees)
LOCKSTEP_SQL_FUNCTION(lockstep_position_covers)

namespace lockstep
{

core::PositionView view(const StoredPosition *position)
{
	return {{position->system, position->database, position->timeline}, position->lsn, position->xmin,
		position->xmax, {position->running, position->count}};
}

StoredPosition *store(const core::PositionView &position)
{
	const Size size = offsetof(StoredPosition, running) + position.running.size_bytes();
	auto *stored = static_cast<StoredPosition *>(palloc0(size));
	SET_VARSIZE(stored, size);
	stored->timeline = position.identity.timeline;
	stored->system = position.identity.system;
	stored->database = position.identity.database;
	stored->lsn = position.lsn;
	stored->xmin = position.xmin;
	stored->xmax = position.xmax;
	stored->count = static_cast<uint32>(position.running.size());
	memcpy(stored->running, position.running.data(), position.running.size_bytes());
	return stored;
}

char *position_text(const core::PositionView &position)
{
	// The positions of a page differ in little.
	static core::Identity identity;
	static uint64 lsn;
	static char place[core::formatted_place_size];
	static size_t length = 0;
	if (length == 0 || lsn != position.lsn || !(identity == position.identity)) {
		identity = position.identity;
		lsn = position.lsn;
		length = static_cast<size_t>(core::format_place(identity, lsn, place) - place);
	}
	auto *text = static_cast<char *>(palloc(core::formatted_size(position.running.size()) + 1));
	memcpy(text, place, length);
	*core::format_snapshot(position, text + length) = '\0';
	return text;
}

namespace
{

/// A transaction number of a snapshot in full: those are within 2^31 of the next one to be given out.
core::Xid full_xid(TransactionId xid, FullTransactionId next)
{
	const uint32 age = XidFromFullTransactionId(next) - xid; // wraps as it should
	return U64FromFullTransactionId(next) - age;
}

} // namespace

bool is_in_commit_log(core::Xid xid)
{
	const FullTransactionId next = ReadNextFullTransactionId();
	LWLockAcquire(XactTruncationLock, LW_SHARED);
	const TransactionId oldest = oldest_in_commit_log();
	LWLockRelease(XactTruncationLock);
	return xid >= full_xid(oldest, next);
}

core::PositionView active_position(core::Xid bound)
{
	Snapshot snapshot = GetActiveSnapshot();
	const FullTransactionId next = ReadNextFullTransactionId();
	core::PositionView position;
	position.xmax = Min(full_xid(snapshot->xmax, next), bound);

	// On a standby everything that runs, sub-transactions too, is in the other list. It may have overflowed: then it lacks
	// sub-transactions, never the transactions they belong to, and only those have numbers in the log.
	const bool on_standby = snapshot->takenDuringRecovery;
	const TransactionId *listed = on_standby ? snapshot->subxip : snapshot->xip;
	const uint32 listed_count = on_standby ? snapshot->subxcnt : snapshot->xcnt;
	auto *running = palloc_array_of<core::Xid>(listed_count + 1);
	size_t count = 0;
	for (uint32 i = 0; i < listed_count; ++i) {
		const core::Xid xid = full_xid(listed[i], next);
		if (xid < position.xmax)
			running[count++] = xid;
	}
	// One's own transaction is never in one's own snapshot's list.
	const FullTransactionId own = GetTopFullTransactionIdIfAny();
	if (FullTransactionIdIsValid(own) && U64FromFullTransactionId(own) < position.xmax)
		running[count++] = U64FromFullTransactionId(own);
	std::sort(running, running + count);
	count = static_cast<size_t>(std::unique(running, running + count) - running);
	position.running = {running, count};
	position.xmin = count > 0 ? running[0] : position.xmax;
	return position;
}

XLogRecPtr inserted_wal_end()
{
	const XLogRecPtr end = GetXLogInsertRecPtr();
	// Where a record ended exactly at the end of a page, that is behind the next page's header, which is not written yet.
	const uint64 offset = XLogSegmentOffset(end, wal_segment_size);
	if (offset == SizeOfXLogLongPHD)
		return end - SizeOfXLogLongPHD;
	return offset % XLOG_BLCKSZ == SizeOfXLogShortPHD ? end - SizeOfXLogShortPHD : end;
}

Place durable_place(XLogRecPtr upto)
{
	TimeLineID timeline;
	XLogRecPtr end;
	if (RecoveryInProgress()) {
		// What is replayed is durable, here and where it came from. Not the record that was replayed last: what the one that is being
		// replayed commits can be visible before it is done.
		end = GetCurrentReplayRecPtr(&timeline);
	} else {
		XLogFlush(upto == PG_UINT64_MAX ? inserted_wal_end() : upto);
		end = GetFlushRecPtr(&timeline);
	}
	return {{GetSystemIdentifier(), MyDatabaseId, timeline}, end};
}

} // namespace lockstep

using namespace lockstep;

extern "C" Datum lockstep_position_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const size_t length = strlen(text);
	const size_t bound = core::parsed_running_bound(length);
	auto *running = palloc_array_of<core::Xid>(bound);
	core::PositionView position;
	if (!core::parse_position({text, length}, {running, bound}, position))
		ereport(ERROR, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			errmsg("invalid input syntax for type %s: \"%s\"", "lockstep.position", text),
			errhint("Use a value that lockstep.position() or lockstep.changes() returned."));
	PG_RETURN_POINTER(store(position));
}

extern "C" Datum lockstep_position_out(PG_FUNCTION_ARGS)
{
	auto *position = reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	PG_RETURN_CSTRING(position_text(view(position)));
}

/// lockstep.position() → position
extern "C" Datum lockstep_position_now(PG_FUNCTION_ARGS)
{
	core::PositionView position = active_position(logged_bound());
	// Whatever the snapshot sees has its commit record in the WAL already.
	const Place here = durable_place(PG_UINT64_MAX);
	position.identity = here.identity;
	position.lsn = here.lsn;
	PG_RETURN_POINTER(store(position));
}

/// lockstep.sees(position, xid8) → boolean
extern "C" Datum lockstep_position_sees(PG_FUNCTION_ARGS)
{
	auto *position = reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	PG_RETURN_BOOL(core::sees(view(position), U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(1))));
}

/// lockstep.covers(later position, earlier position) → boolean
extern "C" Datum lockstep_position_covers(PG_FUNCTION_ARGS)
{
	auto *later = reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	auto *earlier = reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(1)));
	PG_RETURN_BOOL(
		view(later).identity == view(earlier).identity && core::covers(view(later), view(earlier)));
}

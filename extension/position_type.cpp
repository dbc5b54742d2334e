#include "position_type.hpp"

#include "log_catalog.hpp"
#include "log_tables.hpp"

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
	auto *text = static_cast<char *>(palloc(core::formatted_size(position.running.size()) + 1));
	*core::format_position(position, text) = '\0';
	return text;
}

core::Identity current_identity()
{
	if (RecoveryInProgress())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("positions are not available on a hot standby"),
			errhint("Read the feed from the primary server."));
	return {GetSystemIdentifier(), MyDatabaseId, GetWALInsertionTimeLine()};
}

namespace
{

/// A transaction number of a snapshot in full: those are within 2^31 of the next one to be given out.
core::Xid full_xid(TransactionId xid, FullTransactionId next)
{
	const uint32 age = XidFromFullTransactionId(next) - xid; // wraps as it should
	return U64FromFullTransactionId(next) - age;
}

/// False: rolled back. Only for a transaction that has ended.
bool may_have_committed(core::Xid xid)
{
	return !is_in_commit_log(xid) || TransactionIdDidCommit(static_cast<TransactionId>(xid));
}

/// Walks the segment's index backwards, past transactions that the snapshot does not see. 0: none is seen.
core::Xid largest_seen_xid(const Segment &place, const core::PositionView &snapshot)
{
	Relation segment = table_open(place.relation, AccessShareLock);
	Relation index = index_open(place.index, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	core::Xid found = 0;
	core::Xid bound = snapshot.xmax;
	bool again = true;
	while (again && found == 0) {
		again = false;
		ScanKeyData key;
		ScanKeyInit(&key, 1, BTLessStrategyNumber, F_XID8LT,
			FullTransactionIdGetDatum(FullTransactionIdFromU64(bound)));
		IndexScanDesc scan = begin_index_scan(segment, index, GetActiveSnapshot(), 1);
		scan->xs_want_itup = true;
		index_rescan(scan, &key, 1, nullptr, 0);
		while (index_getnext_tid(scan, BackwardScanDirection)) {
			CHECK_FOR_INTERRUPTS();
			bool is_null;
			Datum datum = index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &is_null);
			const core::Xid xid = U64FromFullTransactionId(DatumGetFullTransactionId(datum));
			// Finished, but this entry rolled back, perhaps only to a savepoint? Then an entry further down shows it.
			const bool is_seen = core::sees(snapshot, xid);
			if (is_seen && index_fetch_heap(scan, slot)) {
				found = xid;
				break;
			}
			// One that runs or was rolled back may have thousands of entries: jump over them.
			if (!is_seen || !may_have_committed(xid)) {
				bound = xid;
				again = true;
				break;
			}
		}
		index_endscan(scan);
	}
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	table_close(segment, AccessShareLock);
	return found;
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
	position.identity = current_identity();
	position.xmax = Min(full_xid(snapshot->xmax, next), bound);

	auto *running = palloc_array_of<core::Xid>(snapshot->xcnt + 1);
	size_t count = 0;
	for (uint32 i = 0; i < snapshot->xcnt; ++i) {
		const core::Xid xid = full_xid(snapshot->xip[i], next);
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

core::Xid logged_bound()
{
	const core::PositionView snapshot = active_position(UINT64_MAX);
	core::Xid largest = FirstNormalTransactionId - 1;
	int count;
	Segment *segments = list_segments(&count);
	// A transaction that began long ago may have written into any segment.
	for (int i = count - 1; i >= 0; --i)
		largest = Max(largest, largest_seen_xid(segments[i], snapshot));
	pfree(segments);
	return largest + 1;
}

XLogRecPtr flush_all_wal()
{
	XLogRecPtr end = GetXLogInsertRecPtr();
	// Where a record ended exactly at the end of a page, that is behind the next page's header, which is not written yet.
	const uint64 offset = XLogSegmentOffset(end, wal_segment_size);
	if (offset == SizeOfXLogLongPHD)
		end -= SizeOfXLogLongPHD;
	else if (offset % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		end -= SizeOfXLogShortPHD;
	XLogFlush(end);
	return end;
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
	current_identity();
	core::PositionView position = active_position(logged_bound());
	// Whatever the snapshot sees has its commit record in the WAL already.
	position.lsn = flush_all_wal();
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

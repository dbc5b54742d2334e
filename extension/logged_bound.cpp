#include "logged_bound.hpp"

#include "era.hpp"
#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "segment_list.hpp"
#include "position_type.hpp"

namespace lockstep
{

namespace
{

using core::PositionView;
using core::Xid;

/// What this backend has found already, so that it need not look again at transactions that ended long ago.
struct Settled {
	uint64 generation; // of the log's catalogue, plus one. 0: nothing is known
	int32 first_era;
	Xid below;   // all transactions below this have ended, …
	Xid largest; // … and this is the largest of them with changes in the log
};

Settled settled;

/// False: rolled back. Only for a transaction that has ended.
bool may_have_committed(Xid xid)
{
	return !is_in_commit_log(xid) || TransactionIdDidCommit(static_cast<TransactionId>(xid));
}

/// The largest transaction from `from` on with changes in this segment that the snapshot sees. 0: there is none.
Xid largest_seen_xid(Relation segment, Oid index_oid, const PositionView &snapshot, Xid from, int32 first_era)
{
	Relation index = index_open(index_oid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	Xid found = 0;
	Xid bound = snapshot.xmax;
	bool again = true;
	while (again && found == 0 && from < bound) {
		again = false;
		ScanKeyData keys[2];
		ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_XID8GE,
			FullTransactionIdGetDatum(FullTransactionIdFromU64(from)));
		ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_XID8LT,
			FullTransactionIdGetDatum(FullTransactionIdFromU64(bound)));
		IndexScanDesc scan = begin_index_scan(segment, index, GetActiveSnapshot(), 2);
		scan->xs_want_itup = true;
		index_rescan(scan, keys, 2, nullptr, 0);
		while (index_getnext_tid(scan, BackwardScanDirection)) {
			CHECK_FOR_INTERRUPTS();
			bool is_null;
			Datum datum = index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &is_null);
			const Xid xid = U64FromFullTransactionId(DatumGetFullTransactionId(datum));
			const bool is_seen = core::sees(snapshot, xid);
			// Finished, but this entry rolled back, perhaps only to a savepoint? Or of another life, and some other transaction? Then an
			// entry further down shows it.
			if (is_seen && index_fetch_heap(scan, slot)) {
				if (DatumGetInt32(slot_getattr(slot, change_era, &is_null)) < first_era)
					continue;
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
	return found;
}

struct Search {
	const PositionView &snapshot;
	int32 first_era;
	Xid from;
	Xid largest;
};

/// Has the segment to be looked into? Of a closed one, its bounds mostly say enough.
bool may_hold_larger(const Segment &segment, void *context)
{
	auto &search = *static_cast<Search *>(context);
	if (is_of_earlier_life(segment, search.first_era))
		return false;
	if (!has_bounds(segment, search.first_era))
		return true;
	if (segment.last_xid < Max(search.from, search.largest + 1))
		return false;
	if (!core::sees(search.snapshot, segment.last_xid))
		return true;
	search.largest = segment.last_xid;
	return false;
}

} // namespace

Xid logged_bound()
{
	const uint64 generation = log_catalog_generation() + 1;
	const PositionView snapshot = active_position(PG_UINT64_MAX);
	const int32 first_era = first_readable_era();
	const bool is_known =
		settled.generation == generation && settled.first_era == first_era && settled.below <= snapshot.xmin;
	Search search{snapshot, first_era, is_known ? settled.below : 0,
		is_known ? settled.largest : FirstNormalTransactionId - 1};
	// A transaction that began long ago may have written into any segment that was not closed before.
	OpenSegments open = open_segments(may_hold_larger, &search, nullptr);
	for (int i = open.count - 1; i >= 0; --i)
		search.largest = Max(search.largest,
			largest_seen_xid(open.relations[i], position_index(open, i), snapshot,
				Max(search.from, search.largest + 1), first_era));
	close_segments(open, AccessShareLock);
	if (search.largest < snapshot.xmin) // else some below `largest` may still run
		settled = {generation, first_era, snapshot.xmin, search.largest};
	// What was in segments that are gone was delivered, too: a position that did not see it would not be covered by the log.
	return Max(search.largest + 1, retired_bound());
}

} // namespace lockstep

#include "logged_bound.hpp"

#include "era.hpp"
#include "log_catalog.hpp"
#include "log_tables.hpp"
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
Xid largest_seen_xid(const Segment &place, const PositionView &snapshot, Xid from, int32 first_era)
{
	Relation segment = table_open(place.relation, AccessShareLock);
	Relation index = index_open(place.index, AccessShareLock);
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
	table_close(segment, AccessShareLock);
	return found;
}

} // namespace

Xid logged_bound()
{
	const uint64 generation = log_catalog_generation() + 1;
	const PositionView snapshot = active_position(PG_UINT64_MAX);
	const int32 first_era = first_readable_era();
	const bool is_known =
		settled.generation == generation && settled.first_era == first_era && settled.below <= snapshot.xmin;
	Xid largest = is_known ? settled.largest : FirstNormalTransactionId - 1;
	const Xid from = is_known ? settled.below : 0;
	int count;
	Segment *segments = list_segments(&count);
	// A transaction that began long ago may have written into any segment.
	for (int i = count - 1; i >= 0; --i)
		largest = Max(largest, largest_seen_xid(segments[i], snapshot, Max(from, largest + 1), first_era));
	pfree(segments);
	if (largest < snapshot.xmin) // else some below `largest` may still run
		settled = {generation, first_era, snapshot.xmin, largest};
	return largest + 1;
}

} // namespace lockstep

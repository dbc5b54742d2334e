#include <algorithm>

#include "feed_scan.hpp"

#include "log_tables.hpp"
#include "position_type.hpp"

namespace lockstep
{

namespace
{

void note(Feed &feed, const Found &found)
{
	if (feed.count == feed.capacity) {
		feed.capacity = feed.capacity ? feed.capacity * 2 : 64;
		const Size size = feed.capacity * sizeof(Found);
		feed.found = static_cast<Found *>(feed.found ? repalloc_huge(feed.found, size)
													 : MemoryContextAllocHuge(CurrentMemoryContext, size));
	}
	feed.found[feed.count++] = found;
}

/// The WAL position up to which must be flushed for `xid`'s commit to be durable. It committed, as its rows are seen. What is cut off
/// the commit log is durable long since.
XLogRecPtr commit_lsn_of(Xid xid)
{
	return is_in_commit_log(xid) ? TransactionIdGetCommitLSN(static_cast<TransactionId>(xid))
								 : InvalidXLogRecPtr;
}

/// Rolled back? Asked for a transaction that has ended.
bool is_rolled_back(Xid xid)
{
	return is_in_commit_log(xid) && !TransactionIdDidCommit(static_cast<TransactionId>(xid));
}

void note_row(Feed &feed, int32 segment, Xid xid, TupleTableSlot *slot)
{
	slot_getsomeattrs(slot, change_op);
	if (DatumGetInt32(slot->tts_values[change_era - 1]) < feed.first_era)
		return;
	Found found{};
	found.xid = xid;
	found.seq = DatumGetInt64(slot->tts_values[change_seq - 1]);
	found.ordinal = static_cast<uint32>(DatumGetInt32(slot->tts_values[change_ordinal - 1]));
	found.place = slot->tts_tid;
	found.segment = segment;
	const Op op = static_cast<Op>(DatumGetChar(slot->tts_values[change_op - 1]));
	found.is_marker = op == Op::marker;
	if (feed.count == 0 || feed.found[feed.count - 1].xid != xid)
		feed.commit_lsn = Max(feed.commit_lsn, commit_lsn_of(xid));
	note(feed, found);
}

/// Walks the index from transaction `from` on, up to `to`. Returns where to go on, if not `to`: behind a transaction of which nothing is to
/// be delivered, and which may have a million entries.
Xid scan_from(Feed &feed, int32 segment, IndexScanDesc scan, TupleTableSlot *slot, Xid from, Xid to)
{
	constexpr int few = 64; // as many as are walked over sooner than jumped over
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_XID8GE,
		FullTransactionIdGetDatum(FullTransactionIdFromU64(from)));
	ScanKeyInit(
		&keys[1], 1, BTLessStrategyNumber, F_XID8LT, FullTransactionIdGetDatum(FullTransactionIdFromU64(to)));
	index_rescan(scan, keys, 2, nullptr, 0);
	Xid last = 0;
	bool is_new = false;
	bool is_doubted = false;
	int passed = 0;
	while (index_getnext_tid(scan, ForwardScanDirection)) {
		CHECK_FOR_INTERRUPTS();
		bool is_null;
		const Xid xid = U64FromFullTransactionId(
			DatumGetFullTransactionId(index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &is_null)));
		if (xid != last) {
			last = xid;
			is_new = core::sees(feed.upto, xid) && !core::sees(feed.since, xid);
			is_doubted = false;
			passed = 0;
		}
		if (is_new && index_fetch_heap(scan, slot)) {
			note_row(feed, segment, xid, slot);
			continue;
		}
		// Of a transaction that committed, what was rolled back to a savepoint.
		if (is_new && !is_doubted) {
			is_doubted = true;
			is_new = !is_rolled_back(xid);
		}
		if (!is_new && ++passed > few)
			return xid + 1;
	}
	return to;
}

/// Notes the changes of the transactions in [from, to) that `upto` sees and `since` does not.
void scan_range(Feed &feed, Xid from, Xid to)
{
	if (from >= to)
		return;
	for (int s = 0; s < feed.open.count; ++s) {
		Relation segment = feed.open.relations[s];
		Relation index = index_open(position_index(feed.open, s), AccessShareLock);
		TupleTableSlot *slot = table_slot_create(segment, nullptr);
		IndexScanDesc scan = begin_index_scan(segment, index, GetActiveSnapshot(), 2);
		scan->xs_want_itup = true;
		for (Xid at = from; at < to;)
			at = scan_from(feed, feed.open.segments[s].number, scan, slot, at, to);
		index_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		index_close(index, AccessShareLock);
	}
}

/// Fills `behind` and `ahead`. The changes found are in the order of their transactions.
void list_transactions(Feed &feed)
{
	const size_t bound = feed.since.running.size() + feed.upto.running.size() + feed.count + 1;
	auto *behind = palloc_array_of<Xid>(bound);
	auto *ahead = palloc_array_of<Xid>(bound);
	for (Xid xid : feed.since.running)
		if (!core::sees(feed.upto, xid))
			behind[feed.behind_count++] = xid;
	for (Xid xid : feed.upto.running)
		if (xid >= feed.since.xmax)
			ahead[feed.ahead_count++] = xid;
	for (size_t i = 0; i < feed.count; ++i) {
		const Xid xid = feed.found[i].xid;
		if (i > 0 && feed.found[i - 1].xid == xid)
			continue;
		if (xid < feed.since.xmax)
			behind[feed.behind_count++] = xid;
		else
			ahead[feed.ahead_count++] = xid;
	}
	std::sort(behind, behind + feed.behind_count);
	std::sort(ahead, ahead + feed.ahead_count);
	feed.behind = behind;
	feed.ahead = ahead;
}

} // namespace

void find_changes(Feed &feed)
{
	// What ran at `since` is looked up one by one: a transaction that stays open for hours must not widen the range.
	for (Xid xid : feed.since.running)
		if (core::sees(feed.upto, xid))
			scan_range(feed, xid, xid + 1);
	scan_range(feed, feed.since.xmax, feed.upto.xmax);

	Found *const begin = feed.found;
	Found *const end = feed.found + feed.count;
	auto by_xid = [](const Found &a, const Found &b) {
		return a.xid != b.xid ? a.xid < b.xid : a.seq < b.seq;
	};
	if (!std::is_sorted(begin, end, by_xid))
		std::sort(begin, end, by_xid);
	for (Found *last = end; last != begin;) {
		Found *const final = --last;
		final->last_seq = final->seq;
		while (last != begin && (last - 1)->xid == final->xid)
			(--last)->last_seq = final->seq;
	}
	list_transactions(feed);
	auto by_delivery = [](const Found &a, const Found &b) {
		if (a.last_seq != b.last_seq)
			return a.last_seq < b.last_seq;
		if (a.ordinal != b.ordinal)
			return a.ordinal < b.ordinal;
		// A change that came late may share an ordinal: see order_change().
		return a.seq > b.seq;
	};
	if (!std::is_sorted(begin, end, by_delivery))
		std::sort(begin, end, by_delivery);
}

} // namespace lockstep

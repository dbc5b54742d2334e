#include <algorithm>
#include <span>

#include "core/nearly_sorted.hpp"

#include "feed_scan.hpp"

#include "log_tables.hpp"
#include "pinned_pages.hpp"
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
		feed.found = static_cast<Found *>(
			feed.found ? repalloc_huge(feed.found, size) : MemoryContextAllocHuge(feed.memory, size));
	}
	feed.found[feed.count++] = found;
}

/// Rolled back? Asked for a transaction that has ended.
bool is_rolled_back(Xid xid)
{
	return is_in_commit_log(xid) && !TransactionIdDidCommit(static_cast<TransactionId>(xid));
}

/// Fetches the row that an index entry points to, as index_fetch_heap() does, if the snapshot sees it. Heaps only, as the log's tables are.
bool fetch(PinnedPages &pages, IndexScanDesc scan, HeapTuple row)
{
	ItemPointerData place = scan->xs_heaptid;
	const Buffer buffer = pages.pin(scan->heapRelation, ItemPointerGetBlockNumber(&place));
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	bool is_dead_to_all;
	const bool is_seen = heap_hot_search_buffer(
		&place, scan->heapRelation, buffer, scan->xs_snapshot, row, &is_dead_to_all, true);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	pgstat_count_heap_fetch(scan->indexRelation);
	// Rolled back, and nobody needs the entry any more.
	if (!scan->xactStartedInRecovery)
		scan->kill_prior_tuple = is_dead_to_all;
	return is_seen;
}

void note_row(Feed &feed, int32 segment, Xid xid, int64 seq, HeapTuple row, TupleDesc descriptor)
{
	bool is_null;
	auto value = [&](ChangeColumn column) { return heap_getattr(row, column, descriptor, &is_null); };
	if (DatumGetInt32(value(change_era)) < feed.first_era)
		return;
	Found found{};
	found.xid = xid;
	found.seq = seq;
	found.ordinal = static_cast<uint32>(DatumGetInt32(value(change_ordinal)));
	found.place = row->t_self;
	found.segment = segment;
	found.is_marker = static_cast<Op>(DatumGetChar(value(change_op))) == Op::marker;
	note(feed, found);
}

/// Walks the index from transaction `from` on, up to `to`. Returns where to go on, if not `to`: behind a transaction of which nothing is to
/// be delivered, and which may have a million entries.
Xid scan_from(Feed &feed, int32 segment, IndexScanDesc scan, PinnedPages &pages, Xid from, Xid to)
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
		auto entry = [&](int column) {
			return index_getattr(scan->xs_itup, column, scan->xs_itupdesc, &is_null);
		};
		const Xid xid = U64FromFullTransactionId(DatumGetFullTransactionId(entry(1)));
		if (xid != last) {
			last = xid;
			is_new = core::sees(feed.upto, xid) && !core::sees(feed.since, xid);
			is_doubted = false;
			passed = 0;
		}
		HeapTupleData row;
		if (is_new && fetch(pages, scan, &row)) {
			note_row(feed, segment, xid, DatumGetInt64(entry(2)), &row, RelationGetDescr(scan->heapRelation));
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
		PinnedPages pages;
		IndexScanDesc scan = begin_index_scan(segment, index, GetActiveSnapshot(), 2);
		scan->xs_want_itup = true;
		for (Xid at = from; at < to;)
			at = scan_from(feed, feed.open.segments[s].number, scan, pages, at, to);
		index_endscan(scan);
		pages.close();
		index_close(index, AccessShareLock);
	}
}

/// The WAL position up to which must be flushed for all that was found to be durable. `end`: see wal_end_of_snapshot(). What was found is in the
/// order of transactions.
XLogRecPtr commit_lsn_of(const Feed &feed, XLogRecPtr end)
{
	// Mostly others flushed it meanwhile, and there is no need to ask about each transaction.
	if (end == InvalidXLogRecPtr || GetFlushRecPtr(nullptr) >= end)
		return InvalidXLogRecPtr;
	XLogRecPtr lsn = InvalidXLogRecPtr;
	for (size_t i = 0; i < feed.count; ++i) {
		const Xid xid = feed.found[i].xid;
		// They committed, as their rows are seen. What is cut off the commit log is durable long since.
		if ((i == 0 || feed.found[i - 1].xid != xid) && is_in_commit_log(xid))
			lsn = Max(lsn, TransactionIdGetCommitLSN(static_cast<TransactionId>(xid)));
	}
	return lsn;
}

/// Behind the commits of all transactions that the active snapshot sees: it was taken before. Invalid where all are durable: on a standby, that is
/// what is replayed.
XLogRecPtr wal_end_of_snapshot()
{
	return RecoveryInProgress() ? InvalidXLogRecPtr : inserted_wal_end();
}

/// The transactions of what was found in [begin, end), and of `running` those that are wanted, in ascending order as both of them are.
template <class Wanted>
std::span<const Xid> list_transactions(
	const Found *begin, const Found *end, std::span<const Xid> running, Wanted wanted)
{
	auto is_first = [&](const Found *found) { return found == begin || found[-1].xid != found->xid; };
	size_t bound = running.size() + 1;
	for (const Found *found = begin; found != end; ++found)
		bound += is_first(found);
	auto *list = palloc_array_of<Xid>(bound);
	size_t count = 0;
	auto next = running.begin();
	auto list_running_below = [&](Xid limit) {
		for (; next != running.end() && *next < limit; ++next)
			if (wanted(*next))
				list[count++] = *next;
	};
	for (const Found *found = begin; found != end; ++found)
		if (is_first(found)) {
			list_running_below(found->xid);
			list[count++] = found->xid;
		}
	list_running_below(PG_UINT64_MAX);
	return {list, count};
}

} // namespace

void find_changes(Feed &feed)
{
	const XLogRecPtr end_of_snapshot = wal_end_of_snapshot();
	feed.memory = AllocSetContextCreate(CurrentMemoryContext, "lockstep feed", ALLOCSET_DEFAULT_SIZES);
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
	core::sort_nearly_sorted(begin, end, by_xid);
	for (Found *last = end; last != begin;) {
		Found *const final = --last;
		final->last_seq = final->seq;
		while (last != begin && (last - 1)->xid == final->xid)
			(--last)->last_seq = final->seq;
	}
	feed.commit_lsn = commit_lsn_of(feed, end_of_snapshot);
	MemoryContext caller = MemoryContextSwitchTo(feed.memory);
	const Xid xmax = feed.since.xmax;
	const Found *const split =
		std::lower_bound(begin, end, xmax, [](const Found &found, Xid xid) { return found.xid < xid; });
	const auto behind = list_transactions(
		begin, split, feed.since.running, [&](Xid xid) { return !core::sees(feed.upto, xid); });
	const auto ahead = list_transactions(split, end, feed.upto.running, [&](Xid xid) { return xid >= xmax; });
	MemoryContextSwitchTo(caller);
	feed.behind = behind.data();
	feed.behind_count = behind.size();
	feed.ahead = ahead.data();
	feed.ahead_count = ahead.size();
	auto by_delivery = [](const Found &a, const Found &b) {
		if (a.last_seq != b.last_seq)
			return a.last_seq < b.last_seq;
		if (a.ordinal != b.ordinal)
			return a.ordinal < b.ordinal;
		// A change that came late may share an ordinal: see order_change().
		return a.seq > b.seq;
	};
	core::sort_nearly_sorted(begin, end, by_delivery);
}

} // namespace lockstep

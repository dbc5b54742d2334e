#include <algorithm>

#include "segment_list.hpp"

#include "errors.hpp"
#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "position_type.hpp"

namespace lockstep
{

namespace
{

struct SegmentList {
	MemoryContext context; // of all below
	Segment *segments;
	int count;
	StoredPosition *retired; // NULL: nothing was dropped
	TimestampTz retired_at;  // of the last change dropped
	// Transactions with changes that were dropped, in ascending order; all of them from `writers_from` on.
	const core::Xid *writers;
	int writer_count;
	core::Xid writers_from;
};

SegmentList list;
bool list_valid = false;

/// Counts invalidations, so that one that comes while the list is being made is not overlooked.
uint64 list_invalidations = 0;
uint64 index_invalidations = 0;

void relation_changed(Datum, Oid relation)
{
	bool concerned = !OidIsValid(relation) || is_segment_catalog(relation);
	for (int i = 0; i < list.count; ++i) {
		if (list.segments[i].relation != relation)
			continue;
		// Its indexes may be others. Writers keep more in mind about the newest.
		list.segments[i].index = InvalidOid;
		++index_invalidations;
		concerned |= i == list.count - 1;
	}
	if (concerned) {
		++index_invalidations;
		++list_invalidations;
		list_valid = false;
		forget_log_catalog();
	}
}

/// The partitions as the server keeps them in mind may be older than the snapshot: rotation locks the log against nobody who reads, and others
/// see what it committed before they are told of it.
bool is_partition(Oid relation, Snapshot snapshot)
{
	Relation inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	SysScanDesc scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, snapshot, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	const bool is_found = HeapTupleIsValid(tuple) &&
		reinterpret_cast<Form_pg_inherits>(GETSTRUCT(tuple))->inhparent == log_catalog().change;
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return is_found;
}

/// Reads lockstep.segment into what the partitions said.
void read_catalog(SegmentList &into, Snapshot snapshot)
{
	Relation relation = table_open(log_catalog().segment, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
	while (HeapTuple tuple = systable_getnext(scan)) {
		Datum values[segment_columns];
		bool nulls[segment_columns];
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		const int32 number = DatumGetInt32(values[segment_number - 1]);
		Segment *segment = find_segment(into.segments, into.count, number);
		if (!segment) {
			into.segments =
				static_cast<Segment *>(repalloc(into.segments, (into.count + 1) * sizeof(Segment)));
			// The newest stands last, and is one that can be written to.
			memmove(into.segments + 1, into.segments, into.count * sizeof(Segment));
			++into.count;
			segment = into.segments;
			*segment = Segment{};
			segment->number = number;
			const Oid table = DatumGetObjectId(values[segment_relation - 1]);
			segment->relation = is_partition(table, snapshot) ? table : InvalidOid;
		}
		segment->is_closed = !nulls[segment_closed_at - 1];
		if (!segment->is_closed)
			continue;
		segment->is_empty = nulls[segment_first_xid - 1];
		segment->bytes = nulls[segment_bytes - 1] ? 0 : DatumGetInt64(values[segment_bytes - 1]);
		if (segment->is_empty)
			continue;
		segment->first_era = DatumGetInt32(values[segment_first_era - 1]);
		segment->last_era = DatumGetInt32(values[segment_last_era - 1]);
		segment->first_xid =
			U64FromFullTransactionId(DatumGetFullTransactionId(values[segment_first_xid - 1]));
		segment->last_xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[segment_last_xid - 1]));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

void read_retirement(SegmentList &into, Snapshot snapshot)
{
	Relation relation = table_open(log_catalog().retirement, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
	if (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple)) {
		Datum values[retirement_columns];
		bool nulls[retirement_columns];
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		auto *stored = nulls[retirement_position - 1]
			? nullptr
			: reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(values[retirement_position - 1]));
		// In a copy of the database, transactions are numbered anew; positions from before are refused for that.
		if (stored && stored->system == GetSystemIdentifier() && stored->database == MyDatabaseId) {
			into.retired = store(view(stored));
			into.retired_at =
				nulls[retirement_last_at - 1] ? 0 : DatumGetTimestampTz(values[retirement_last_at - 1]);
			into.writers_from = PG_UINT64_MAX;
			if (!nulls[retirement_writers - 1] && !nulls[retirement_writers_from - 1]) {
				ArrayType *writers = DatumGetArrayTypePCopy(values[retirement_writers - 1]);
				into.writers = reinterpret_cast<const core::Xid *>(ARR_DATA_PTR(writers));
				into.writer_count = ArrayGetNItems(ARR_NDIM(writers), ARR_DIMS(writers));
				into.writers_from =
					U64FromFullTransactionId(DatumGetFullTransactionId(values[retirement_writers_from - 1]));
			}
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

void load_list()
{
	const uint64 before = list_invalidations;
	const Oid parent_oid = log_catalog().change;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "lockstep segments", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	// Whoever drops a segment locks the log against us, so that its partitions and what we read beside them agree.
	Relation parent = table_open(parent_oid, AccessShareLock);
	PartitionDesc partitions = RelationGetPartitionDesc(parent, true);
	SegmentList made{};
	made.context = context;
	made.count = partitions->nparts;
	made.segments = palloc_array_of<Segment>(Max(made.count, 1));
	// LIST partitions of single numbers are kept in the order of their bounds: oldest first.
	for (int i = 0; i < made.count; ++i) {
		made.segments[i] = Segment{};
		made.segments[i].relation = partitions->oids[i];
		made.segments[i].number = DatumGetInt32(partitions->boundinfo->datums[i][0]);
	}
	// Not the caller's snapshot, which may be from before a segment was closed or dropped.
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	read_catalog(made, snapshot);
	read_retirement(made, snapshot);
	UnregisterSnapshot(snapshot);
	// Not to the end of the transaction: dropping a segment would wait for every one that ever wrote.
	table_close(parent, AccessShareLock);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);

	MemoryContext old = list.context;
	list = made;
	list_valid = before == list_invalidations;
	if (old)
		MemoryContextDelete(old);
}

const SegmentList &current_list()
{
	// What others committed may lie waiting: a statement that locks nothing new would not look.
	AcceptInvalidationMessages();
	if (!list_valid || !log_catalog_exists())
		load_list();
	return list;
}

Oid find_position_index(Relation segment)
{
	List *indexes = RelationGetIndexList(segment);
	Oid found = InvalidOid;
	ListCell *cell;
	foreach (cell, indexes) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		const Form_pg_index form = index->rd_index;
		if (form->indnkeyatts == 2 && form->indkey.values[0] == change_xid &&
			form->indkey.values[1] == change_seq && form->indisvalid)
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	if (!OidIsValid(found))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("segment \"%s\" of the change log has no index on (xid, seq)",
				RelationGetRelationName(segment)),
			errhint("Create it again, or restore the log from a backup."));
	return found;
}

void report_not_covered(const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_POSITION_NOT_COVERED),
		errmsg("position \"%s\" is not covered by the change log", "since"), errdetail_internal("%s", detail),
		errhint("Read the rows and lockstep.position() again."));
}

/// Has a reader at `since` seen all that was dropped?
///
/// Covering the position of the retirement would be enough, but is more than that: it sees every transaction that had ended, and most
/// changed no tracked table. One that ran when the reader read last, and logged nothing, would have it refused. So what matters is whether
/// `since` has yet to see a transaction that wrote to a segment that is gone. All of those had ended when the segment was closed, the last is
/// just below the position's xmax, and a number has one meaning in all of a life of the database: those of transactions that a crash took are given out again
/// only where no position has seen them. That some position lists a writer as running whose changes it did not get is told alike wherever
/// it comes from: one that committed after a higher number, one that was prepared, the rest of a page, or a standby that was behind.
bool has_seen_retired(const SegmentList &in, const core::PositionView &since)
{
	const core::PositionView retired = view(in.retired);
	if (core::covers(since, retired))
		return true;
	if (since.xmax < retired.xmax)
		return false;
	for (const core::Xid xid : since.running) {
		if (xid >= retired.xmax)
			break;
		if (core::sees(retired, xid) &&
			(xid < in.writers_from || std::binary_search(in.writers, in.writers + in.writer_count, xid)))
			return false;
	}
	return true;
}

void require_not_retired(const SegmentList &in, const core::PositionView &since)
{
	if (!in.retired || has_seen_retired(in, since))
		return;
	char *detail = psprintf(
		"The log reaches back to %s; what was logged before is gone.", timestamptz_to_str(in.retired_at));
	report_not_covered(detail);
}

/// Fills `open` with what the filter picks from the list. Returns false where the list changed meanwhile.
bool try_open(OpenSegments &open, SegmentFilter filter, void *context, const core::PositionView *since)
{
	const SegmentList &now = current_list();
	const uint64 before = list_invalidations;
	const uint64 index_before = index_invalidations;
	if (since)
		require_not_retired(now, *since);
	open = {palloc_array_of<Segment>(Max(now.count, 1)), palloc_array_of<Relation>(Max(now.count, 1)), 0};
	int wanted = 0;
	bool is_missing = false;
	for (int i = 0; i < now.count; ++i) {
		if (!filter(now.segments[i], context))
			continue;
		if (OidIsValid(now.segments[i].relation))
			open.segments[wanted++] = now.segments[i];
		else
			is_missing = true;
	}
	if (is_missing && since)
		report_not_covered("A segment of the log was detached by hand.");
	// Each lock may show that the list changed, or that an index is another.
	for (int i = 0; i < wanted; ++i) {
		Relation relation = try_table_open(open.segments[i].relation, AccessShareLock);
		if (!relation)
			return false;
		open.relations[open.count++] = relation;
		// All that a closed one held was committed, so TRUNCATE alone leaves nothing of it.
		if (since && open.segments[i].is_closed && !open.segments[i].is_empty &&
			RelationGetNumberOfBlocks(relation) == 0)
			report_not_covered("A segment of the log was emptied by hand.");
	}
	return list_invalidations == before && index_invalidations == index_before;
}

struct Range {
	const core::PositionView &since;
	const core::PositionView &upto;
	int32 first_era;
};

bool may_be_between(const Segment &segment, void *context)
{
	const auto &range = *static_cast<const Range *>(context);
	if (is_of_earlier_life(segment, range.first_era))
		return false;
	if (!has_bounds(segment, range.first_era))
		return true;
	if (segment.last_xid >= range.since.xmax && segment.first_xid < range.upto.xmax)
		return true;
	const auto &running = range.since.running;
	const auto *first = std::lower_bound(running.data(), running.data() + running.size(), segment.first_xid);
	return first != running.data() + running.size() && *first <= segment.last_xid;
}

} // namespace

Segment *find_segment(Segment *segments, int count, int32 number)
{
	for (int i = 0; i < count; ++i)
		if (segments[i].number == number)
			return &segments[i];
	return nullptr;
}

OpenSegments open_segments(SegmentFilter filter, void *context, const core::PositionView *since)
{
	OpenSegments open;
	while (!try_open(open, filter, context, since)) {
		close_segments(open, AccessShareLock);
		CHECK_FOR_INTERRUPTS();
	}
	return open;
}

OpenSegments open_segments_between(
	const core::PositionView &since, const core::PositionView &upto, int32 first_era)
{
	Range range{since, upto, first_era};
	return open_segments(may_be_between, &range, &since);
}

void close_segments(OpenSegments &open, LOCKMODE mode)
{
	for (int i = 0; i < open.count; ++i)
		table_close(open.relations[i], mode);
	open.count = 0;
}

Oid position_index(const OpenSegments &open, int place)
{
	const Segment &segment = open.segments[place];
	if (OidIsValid(segment.index))
		return segment.index;
	const uint64 before = index_invalidations;
	const Oid index = find_position_index(open.relations[place]);
	Segment *kept = find_segment(list.segments, list.count, segment.number);
	if (before == index_invalidations && kept && kept->relation == segment.relation)
		kept->index = index;
	return index;
}

int32 *segment_numbers(int *count)
{
	const SegmentList &now = current_list();
	auto *numbers = palloc_array_of<int32>(Max(now.count, 1));
	for (int i = 0; i < now.count; ++i)
		numbers[i] = now.segments[i].number;
	*count = now.count;
	return numbers;
}

LogSize log_size()
{
	const SegmentList &now = current_list();
	LogSize size{0, palloc_array_of<Oid>(Max(now.count, 1)), 0};
	for (int i = 0; i < now.count; ++i) {
		size.closed_bytes += now.segments[i].bytes;
		if (!now.segments[i].is_closed && OidIsValid(now.segments[i].relation))
			size.open[size.open_count++] = now.segments[i].relation;
	}
	return size;
}

core::Xid retired_bound()
{
	const SegmentList &now = current_list();
	return now.retired ? now.retired->xmax : 0;
}

namespace
{

[[noreturn]] void report_no_segment()
{
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the change log has no segment"),
		errhint("Run SELECT lockstep.maintain() as a superuser."));
}

const Segment &newest_segment()
{
	const SegmentList &now = current_list();
	if (now.count == 0 || !OidIsValid(now.segments[now.count - 1].relation))
		report_no_segment();
	return now.segments[now.count - 1];
}

} // namespace

Relation open_newest_segment(int32 *number)
{
	for (;;) {
		const Oid relation = newest_segment().relation;
		// Who closes a segment holds a lock on it for as long as an index takes: rather go on to the next than wait for that.
		if (!ConditionalLockRelationOid(relation, RowExclusiveLock)) {
			if (newest_segment().relation != relation)
				continue;
			LockRelationOid(relation, RowExclusiveLock);
		}
		// Still the newest, now that it cannot be closed any more?
		const Segment &newest = newest_segment();
		if (newest.relation == relation) {
			// Somebody dropped those after it by hand. Readers would not look for anything new in it.
			if (newest.is_closed)
				report_no_segment();
			*number = newest.number;
			return table_open(relation, NoLock);
		}
		UnlockRelationOid(relation, RowExclusiveLock);
	}
}

void register_segment_list_callbacks()
{
	CacheRegisterRelcacheCallback(relation_changed, 0);
}

} // namespace lockstep

#include "log_writer.hpp"

#include "log_catalog.hpp"
#include "sequence.hpp"

namespace lockstep
{

namespace
{

/// How many changes share one draw from the sequence, which is the sequence's INCREMENT: a draw reserves that many numbers,
/// at the cost of one. (CACHE would let a backend use numbers long after it drew them, and the order would say nothing.)
constexpr int write_batch = 1024;

/// What all changes of a call have in common.
struct Batch {
	FullTransactionId xid;
	TimestampTz at;
	int32 era;
	int32 segment;
	const Origin *last_origin;
	int64 last_origin_id;
};

Datum jsonb_datum(Jsonb *jsonb, bool *is_null)
{
	*is_null = jsonb == nullptr;
	return PointerGetDatum(jsonb);
}

HeapTuple form_tuple(TupleDesc descriptor, const PendingChange &change, int64 seq, Batch &batch)
{
	if (change.origin != batch.last_origin) {
		batch.last_origin_id = intern_origin(change.origin);
		batch.last_origin = change.origin;
	}
	Datum values[change_columns];
	bool nulls[change_columns] = {};
	values[change_xid - 1] = FullTransactionIdGetDatum(batch.xid);
	values[change_seq - 1] = Int64GetDatum(seq);
	values[change_at - 1] = TimestampTzGetDatum(batch.at);
	nulls[change_version - 1] = !change.has_version;
	values[change_version - 1] = Int64GetDatum(change.version);
	nulls[change_key_hash - 1] = change.key == nullptr;
	values[change_key_hash - 1] = Int64GetDatum(change.key ? key_hash(change.key) : 0);
	values[change_origin - 1] = Int64GetDatum(batch.last_origin_id);
	values[change_root - 1] = ObjectIdGetDatum(change.root);
	values[change_leaf - 1] = ObjectIdGetDatum(change.leaf);
	values[change_segment - 1] = Int32GetDatum(batch.segment);
	values[change_era - 1] = Int32GetDatum(batch.era);
	values[change_ordinal - 1] = Int32GetDatum(static_cast<int32>(change.ordinal));
	values[change_op - 1] = CharGetDatum(static_cast<char>(change.op));
	values[change_key - 1] = jsonb_datum(change.key, &nulls[change_key - 1]);
	values[change_row - 1] = jsonb_datum(change.row, &nulls[change_row - 1]);
	values[change_old - 1] = jsonb_datum(change.old, &nulls[change_old - 1]);
	nulls[change_omitted - 1] = change.omitted == nullptr;
	values[change_omitted - 1] = PointerGetDatum(change.omitted);
	return heap_form_tuple(descriptor, values, nulls);
}

/// Inserts at most write_batch changes.
void write_batch_of(Relation segment, CatalogIndexState indexes, TupleTableSlot **slots,
	const PendingChange *changes, int count, Batch &batch)
{
	const int64 seq = draw_numbers(log_catalog().change_seq, write_batch);
	int filled = 0;
	for (int i = 0; i < count; ++i) {
		HeapTuple tuple = form_tuple(RelationGetDescr(segment), changes[i], seq + i, batch);
		// The multi-insert toasts into a copy and leaves the slot's tuple without the place that the indexes need to know.
		if (tuple->t_len > TOAST_TUPLE_THRESHOLD)
			CatalogTupleInsertWithInfo(segment, tuple, indexes);
		else
			ExecStoreHeapTuple(tuple, slots[filled++], false);
	}
	if (filled > 0)
		CatalogTuplesMultiInsertWithInfo(segment, slots, filled, indexes);
}

} // namespace

int64 key_hash(Jsonb *key)
{
	return DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended, JsonbPGetDatum(key), Int64GetDatum(0)));
}

void write_changes(const PendingChange *changes, int count)
{
	static MemoryContext scratch = nullptr;
	if (!scratch)
		scratch = AllocSetContextCreate(TopMemoryContext, "lockstep log writer", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(scratch); // what an error left
	MemoryContext caller = MemoryContextSwitchTo(scratch);

	int32 number;
	Relation segment = table_open(current_segment(&number), RowExclusiveLock);
	Batch batch{
		GetTopFullTransactionId(), GetCurrentTimestamp(), current_era_for_write(), number, nullptr, 0};
	CatalogIndexState indexes = CatalogOpenIndexes(segment);
	const int slot_count = Min(count, write_batch);
	auto *slots = palloc_array_of<TupleTableSlot *>(slot_count);
	for (int i = 0; i < slot_count; ++i)
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(segment), &TTSOpsHeapTuple);

	for (int done = 0; done < count; done += write_batch)
		write_batch_of(segment, indexes, slots, changes + done, Min(count - done, write_batch), batch);

	for (int i = 0; i < slot_count; ++i)
		ExecDropSingleTupleTableSlot(slots[i]);
	CatalogCloseIndexes(indexes);
	table_close(segment, NoLock); // the lock is the transaction's
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
}

uint32 logged_place_of(const NewChange &change, uint32 place)
{
	const FullTransactionId own = GetTopFullTransactionIdIfAny();
	int count;
	Segment *segments = list_segments(&count);
	for (int i = 0; i < count; ++i) {
		Relation segment = table_open(segments[i].relation, AccessShareLock);
		Relation index = index_open(segments[i].index, AccessShareLock);
		ScanKeyData key;
		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_XID8EQ, FullTransactionIdGetDatum(own));
		IndexScanDesc scan = index_beginscan(segment, index, SnapshotSelf, 1, 0);
		index_rescan(scan, &key, 1, nullptr, 0);
		TupleTableSlot *slot = table_slot_create(segment, nullptr);
		while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(slot);
			if (slot->tts_isnull[change_key - 1] ||
				DatumGetObjectId(slot->tts_values[change_root - 1]) != change.root ||
				DatumGetInt64(slot->tts_values[change_version - 1]) < change.version ||
				!DatumGetBool(DirectFunctionCall2(
					jsonb_eq, slot->tts_values[change_key - 1], JsonbPGetDatum(change.key))))
				continue;
			place = Min(place, static_cast<uint32>(DatumGetInt32(slot->tts_values[change_ordinal - 1])));
		}
		ExecDropSingleTupleTableSlot(slot);
		index_endscan(scan);
		index_close(index, AccessShareLock);
		table_close(segment, AccessShareLock);
	}
	pfree(segments);
	return place;
}

void write_marker(uint32 ordinal)
{
	PendingChange marker{};
	marker.op = Op::marker;
	marker.ordinal = ordinal;
	marker.origin = current_origin();
	write_changes(&marker, 1);
}

} // namespace lockstep

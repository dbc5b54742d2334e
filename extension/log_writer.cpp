#include "log_writer.hpp"

#include "log_catalog.hpp"

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

void fill_slot(TupleTableSlot *slot, const PendingChange &change, int64 seq, Batch &batch)
{
	if (change.origin != batch.last_origin) {
		batch.last_origin_id = intern_origin(change.origin);
		batch.last_origin = change.origin;
	}
	ExecClearTuple(slot);
	Datum *values = slot->tts_values;
	bool *nulls = slot->tts_isnull;
	memset(nulls, 0, change_columns * sizeof(bool));
	values[change_xid - 1] = FullTransactionIdGetDatum(batch.xid);
	values[change_seq - 1] = Int64GetDatum(seq);
	values[change_at - 1] = TimestampTzGetDatum(batch.at);
	nulls[change_version - 1] = !change.has_version;
	values[change_version - 1] = Int64GetDatum(change.version);
	nulls[change_key_hash - 1] = change.key == nullptr;
	values[change_key_hash - 1] = change.key
		? DirectFunctionCall2(jsonb_hash_extended, JsonbPGetDatum(change.key), Int64GetDatum(0))
		: Int64GetDatum(0);
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
	ExecStoreVirtualTuple(slot);
}

} // namespace

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

	for (int done = 0; done < count;) {
		const int size = Min(count - done, slot_count);
		const int64 seq = nextval_internal(log_catalog().change_seq, false);
		for (int i = 0; i < size; ++i)
			fill_slot(slots[i], changes[done + i], seq + i, batch);
		CatalogTuplesMultiInsertWithInfo(segment, slots, size, indexes);
		done += size;
	}

	for (int i = 0; i < slot_count; ++i)
		ExecDropSingleTupleTableSlot(slots[i]);
	CatalogCloseIndexes(indexes);
	table_close(segment, NoLock); // the lock is the transaction's
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
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

#include "log_writer.hpp"

#include "era.hpp"
#include "log_catalog.hpp"
#include "log_segment.hpp"
#include "sequence.hpp"

namespace lockstep
{

namespace
{

/// How many changes are written at once, with numbers drawn together.
constexpr int write_batch = change_numbers_per_draw;

/// What all changes of a call have in common.
struct Batch {
	FullTransactionId xid;
	TimestampTz at;
	int32 era;
	int32 segment;
	const Origin *last_origin;
	int64 last_origin_id;
};

Datum datum_or_null(const void *value, bool *is_null)
{
	*is_null = value == nullptr;
	return PointerGetDatum(value);
}

/// The log's row for a change, by column number - 1.
void fill_row(const PendingChange &change, int64 seq, Batch &batch, Datum *values, bool *nulls)
{
	if (change.origin != batch.last_origin) {
		batch.last_origin_id = intern_origin(change.origin);
		batch.last_origin = change.origin;
	}
	memset(nulls, 0, change_columns * sizeof(bool));
	values[change_xid - 1] = FullTransactionIdGetDatum(batch.xid);
	values[change_seq - 1] = Int64GetDatum(seq);
	values[change_at - 1] = TimestampTzGetDatum(batch.at);
	nulls[change_version - 1] = !change.has_version;
	values[change_version - 1] = Int64GetDatum(change.version);
	nulls[change_key_hash - 1] = change.key == nullptr;
	values[change_key_hash - 1] = Int64GetDatum(change.key_hash);
	values[change_origin - 1] = Int64GetDatum(batch.last_origin_id);
	values[change_root - 1] = ObjectIdGetDatum(change.root);
	values[change_leaf - 1] = ObjectIdGetDatum(change.leaf);
	values[change_segment - 1] = Int32GetDatum(batch.segment);
	values[change_era - 1] = Int32GetDatum(batch.era);
	values[change_ordinal - 1] = Int32GetDatum(static_cast<int32>(change.ordinal));
	values[change_op - 1] = CharGetDatum(static_cast<char>(change.op));
	values[change_key - 1] = datum_or_null(change.key, &nulls[change_key - 1]);
	values[change_row - 1] = datum_or_null(change.row, &nulls[change_row - 1]);
	values[change_old - 1] = datum_or_null(change.old, &nulls[change_old - 1]);
	nulls[change_omitted - 1] = change.omitted == nullptr;
	values[change_omitted - 1] = PointerGetDatum(change.omitted);
}

/// Inserts at most write_batch changes. Returns the last one's seq.
int64 write_batch_of(
	OpenSegment &segment, TupleTableSlot **slots, const PendingChange *changes, int count, Batch &batch)
{
	const int64 seq = draw_change_numbers(log_catalog().change_seq, count);
	TupleDesc descriptor = RelationGetDescr(segment.relation);
	Datum values[change_columns];
	bool nulls[change_columns];
	for (int i = 0; i < count; ++i) {
		fill_row(changes[i], seq + i, batch, values, nulls);
		HeapTuple tuple = heap_form_tuple(descriptor, values, nulls);
		if (count == 1)
			insert_row(segment, tuple, values, nulls);
		else
			ExecStoreHeapTuple(tuple, slots[i], false);
	}
	if (count > 1)
		insert_rows(segment, slots, count);
	return seq + count - 1;
}

/// Is this an integer that a bigint can hold?
bool is_bigint(Numeric number, int64 *value)
{
	if (numeric_is_nan(number) || numeric_is_inf(number))
		return false;
	const Datum datum = NumericGetDatum(number);
	if (!DatumGetBool(
			DirectFunctionCall2(numeric_ge, datum, NumericGetDatum(int64_to_numeric(PG_INT64_MIN)))) ||
		!DatumGetBool(
			DirectFunctionCall2(numeric_le, datum, NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		return false;
	*value = DatumGetInt64(DirectFunctionCall1(numeric_int8, datum));
	return DatumGetBool(DirectFunctionCall2(numeric_eq, datum, NumericGetDatum(int64_to_numeric(*value))));
}

} // namespace

int64 key_hash(Jsonb *key)
{
	if (JB_ROOT_IS_OBJECT(key) && JB_ROOT_COUNT(key) == 1) {
		JsonbIterator *iterator = JsonbIteratorInit(&key->root);
		JsonbValue value;
		JsonbIteratorNext(&iterator, &value, true); // the object
		JsonbIteratorNext(&iterator, &value, true); // the name
		JsonbIteratorNext(&iterator, &value, true);
		int64 number;
		if (value.type == jbvNumeric && is_bigint(value.val.numeric, &number))
			return number;
	}
	return DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended, JsonbPGetDatum(key), Int64GetDatum(0)));
}

int64 write_changes(const PendingChange *changes, int count)
{
	static MemoryContext scratch = nullptr;
	if (!scratch)
		scratch = AllocSetContextCreate(TopMemoryContext, "lockstep log writer", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(scratch); // what an error left
	MemoryContext caller = MemoryContextSwitchTo(scratch);

	int32 number;
	OpenSegment segment = open_current_segment(&number);
	Batch batch{
		GetTopFullTransactionId(), GetCurrentTimestamp(), current_era_for_write(), number, nullptr, 0};
	const int slot_count = count > 1 ? Min(count, write_batch) : 0;
	auto *slots = palloc_array_of<TupleTableSlot *>(Max(slot_count, 1));
	for (int i = 0; i < slot_count; ++i)
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(segment.relation), &TTSOpsHeapTuple);

	int64 last_seq = 0;
	for (int done = 0; done < count; done += write_batch)
		last_seq = write_batch_of(segment, slots, changes + done, Min(count - done, write_batch), batch);

	for (int i = 0; i < slot_count; ++i)
		ExecDropSingleTupleTableSlot(slots[i]);
	close_segment(segment);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
	return last_seq;
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

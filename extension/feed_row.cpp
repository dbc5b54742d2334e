#include "feed_row.hpp"

namespace lockstep
{

namespace
{

bool is_the_one(const Found &found, const ChangeRow &row)
{
	return U64FromFullTransactionId(DatumGetFullTransactionId(row.value(change_xid))) == found.xid &&
		DatumGetInt64(row.value(change_seq)) == found.seq;
}

} // namespace

bool RowReader::read_checked(Relation segment, const Found &found, ChangeRow &row)
{
	if (checked_)
		heap_freetuple(checked_);
	checked_ = nullptr;
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	ItemPointerData place = found.place;
	if (table_tuple_fetch_row_version(segment, &place, GetActiveSnapshot(), slot))
		checked_ = ExecCopySlotHeapTuple(slot);
	ExecDropSingleTupleTableSlot(slot);
	if (!checked_)
		return false;
	heap_deform_tuple(checked_, RelationGetDescr(segment), row.values, row.nulls);
	return is_the_one(found, row);
}

bool RowReader::read(Relation segment, const Found &found, ChangeRow &row)
{
	// The first pass saw the row, and a snapshot that sees it is held; under a pin nothing moves, so no lock is taken. But between two pages
	// of a reader no snapshot is held, and somebody may have deleted rows: then they are looked at with care.
	Page page = BufferGetPage(pages_.pin(segment, ItemPointerGetBlockNumber(&found.place)));
	const OffsetNumber offset = ItemPointerGetOffsetNumber(&found.place);
	if (offset > PageGetMaxOffsetNumber(page))
		return false;
	ItemId item = PageGetItemId(page, offset);
	if (!ItemIdIsNormal(item))
		return false;
	HeapTupleData tuple;
	tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
	tuple.t_len = ItemIdGetLength(item);
	tuple.t_self = found.place;
	tuple.t_tableOid = RelationGetRelid(segment);
	if (!(tuple.t_data->t_infomask & HEAP_XMAX_INVALID))
		return read_checked(segment, found, row);
	heap_deform_tuple(&tuple, RelationGetDescr(segment), row.values, row.nulls);
	return is_the_one(found, row);
}

} // namespace lockstep

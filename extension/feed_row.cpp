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

bool RowReader::read(const Found &found, ChangeRow &row)
{
	const BlockNumber block = ItemPointerGetBlockNumber(&found.place);
	if (buffer_ == InvalidBuffer || BufferGetBlockNumber(buffer_) != block)
		buffer_ = ReleaseAndReadBuffer(buffer_, segment_, block);
	// The first pass saw the row, and a snapshot that sees it is held; under a pin nothing moves, so no lock is taken. But between two pages
	// of a reader no snapshot is held, and somebody may have deleted rows: then they are looked at with care.
	Page page = BufferGetPage(buffer_);
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
	tuple.t_tableOid = RelationGetRelid(segment_);
	if (!(tuple.t_data->t_infomask & HEAP_XMAX_INVALID))
		return read_checked(found, row);
	heap_deform_tuple(&tuple, RelationGetDescr(segment_), row.values, row.nulls);
	return is_the_one(found, row);
}

bool RowReader::read_checked(const Found &found, ChangeRow &row)
{
	if (!slot_)
		slot_ = table_slot_create(segment_, nullptr);
	ItemPointerData place = found.place;
	if (!table_tuple_fetch_row_version(segment_, &place, GetActiveSnapshot(), slot_))
		return false;
	slot_getallattrs(slot_);
	memcpy(row.values, slot_->tts_values, sizeof(row.values));
	memcpy(row.nulls, slot_->tts_isnull, sizeof(row.nulls));
	return is_the_one(found, row);
}

void RowReader::close()
{
	if (buffer_ != InvalidBuffer)
		ReleaseBuffer(buffer_);
	buffer_ = InvalidBuffer;
	if (slot_)
		ExecDropSingleTupleTableSlot(slot_);
	slot_ = nullptr;
}

} // namespace lockstep

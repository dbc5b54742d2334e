#include "sequence.hpp"

namespace lockstep
{

namespace
{

/// How many draws one WAL record covers. After a crash, what it covered and was not drawn is skipped. The server does the same.
constexpr int draws_per_record = 32;

void log_sequence(Relation relation, Buffer buffer, HeapTuple tuple)
{
	xl_seq_rec record;
	set_file(record, relation);
	XLogBeginInsert();
	XLogRegisterBuffer(0, buffer, REGBUF_WILL_INIT);
	XLogRegisterData(reinterpret_cast<char *>(&record), sizeof(record));
	XLogRegisterData(reinterpret_cast<char *>(tuple->t_data), static_cast<int>(tuple->t_len));
	const XLogRecPtr end = XLogInsert(RM_SEQ_ID, XLOG_SEQ_LOG);
	PageSetLSN(BufferGetPage(buffer), end); // a macro: evaluates its argument twice
}

} // namespace

int64 draw_numbers(Oid sequence, int64 count)
{
	Relation relation = relation_open(sequence, RowExclusiveLock);
	GetTopTransactionId(); // its commit flushes the record below
	Buffer buffer = ReadBuffer(relation, 0);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	Page page = BufferGetPage(buffer);
	ItemId item = PageGetItemId(page, FirstOffsetNumber);
	HeapTupleData tuple{};
	tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
	tuple.t_len = ItemIdGetLength(item);
	auto *data = reinterpret_cast<Form_pg_sequence_data>(GETSTRUCT(&tuple));

	const int64 first = data->is_called ? data->last_value + count : data->last_value;
	// A checkpoint since the last record means that replay would not meet that record any more.
	const bool needs_record = !data->is_called || data->log_cnt <= 0 || PageGetLSN(page) <= GetRedoRecPtr();

	START_CRIT_SECTION();
	MarkBufferDirty(buffer);
	data->is_called = true;
	if (needs_record) {
		data->last_value = first + draws_per_record * count;
		data->log_cnt = 0;
		log_sequence(relation, buffer, &tuple);
		data->log_cnt = draws_per_record;
	} else {
		--data->log_cnt;
	}
	data->last_value = first;
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
	relation_close(relation, NoLock);
	return first;
}

} // namespace lockstep

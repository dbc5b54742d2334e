#include "sequence.hpp"

#include "log_catalog.hpp"
#include "settings.hpp"

namespace lockstep
{

namespace
{

/// How many draws one WAL record covers. After a crash, what it covered and was not drawn is skipped. The server does the same.
constexpr int draws_per_record = 32;
/// How many draws the shared pool makes at once. What is left of them is skipped when the server ends.
constexpr int draws_per_pool = 64;

/// Numbers that were reserved from a sequence, to be handed out to all backends of a database. As long as the sequence stands where the
/// reservation left it, nobody has drawn larger ones: neither nextval() by hand, nor setval() while a dump is restored, nor a copy of
/// the database goes unnoticed.
struct Pool {
	slock_t mutex;
	xl_seq_rec file; // the sequence's
	int64 stand;     // the sequence's last_value since
	int64 next;
	int64 end;
};

struct alignas(PG_CACHE_LINE_SIZE) PaddedPool {
	Pool pool;
};

/// By database oid modulo their number. Databases that meet in one take it from each other, which is slow, but right.
PaddedPool *pools = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

uint32 pool_count()
{
	return 4 * static_cast<uint32>(settings.max_databases);
}

Size pools_size()
{
	return add_size(PG_CACHE_LINE_SIZE, mul_size(pool_count(), sizeof(PaddedPool)));
}

void request_memory()
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(pools_size());
}

void create_pools()
{
	if (previous_startup_hook)
		previous_startup_hook();
	bool found;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	void *memory = ShmemInitStruct("lockstep numbers", pools_size(), &found);
	pools = reinterpret_cast<PaddedPool *>(CACHELINEALIGN(memory));
	if (!found) {
		memset(static_cast<void *>(pools), 0, pool_count() * sizeof(PaddedPool));
		for (uint32 i = 0; i < pool_count(); ++i)
			SpinLockInit(&pools[i].pool.mutex);
	}
	LWLockRelease(AddinShmemInitLock);
}

Pool &own_pool()
{
	return pools[MyDatabaseId % pool_count()].pool;
}

/// Takes numbers from the pool if it is this sequence's, and the sequence still has `stand` as its last_value.
bool take(Pool &pool, const xl_seq_rec &file, int64 stand, int count, int64 *first)
{
	SpinLockAcquire(&pool.mutex);
	const bool enough =
		pool.stand == stand && pool.end - pool.next >= count && memcmp(&pool.file, &file, sizeof(file)) == 0;
	if (enough) {
		*first = pool.next;
		pool.next += count;
	}
	SpinLockRelease(&pool.mutex);
	return enough;
}

void fill(Pool &pool, const xl_seq_rec &file, int64 stand, int64 next, int64 end)
{
	SpinLockAcquire(&pool.mutex);
	pool.file = file;
	pool.stand = stand;
	pool.next = next;
	pool.end = end;
	SpinLockRelease(&pool.mutex);
}

/// The only row of a sequence, in a pinned buffer.
HeapTupleData tuple_in(Buffer buffer)
{
	Page page = BufferGetPage(buffer);
	ItemId item = PageGetItemId(page, FirstOffsetNumber);
	HeapTupleData tuple{};
	tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
	tuple.t_len = ItemIdGetLength(item);
	return tuple;
}

Form_pg_sequence_data data_of(HeapTupleData &tuple)
{
	return reinterpret_cast<Form_pg_sequence_data>(GETSTRUCT(&tuple));
}

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

/// Sets the sequence's last_value. `ahead`: what the record says, if one is written; 0: none.
void set_stand(Relation relation, Buffer buffer, int64 stand, int64 ahead, int64 draws_ahead)
{
	HeapTupleData tuple = tuple_in(buffer);
	Form_pg_sequence_data data = data_of(tuple);
	START_CRIT_SECTION();
	MarkBufferDirty(buffer);
	data->is_called = true;
	if (ahead != 0) {
		data->last_value = ahead;
		data->log_cnt = 0;
		log_sequence(relation, buffer, &tuple);
		data->log_cnt = draws_ahead;
	} else {
		--data->log_cnt;
	}
	data->last_value = stand;
	END_CRIT_SECTION();
}

/// Where this backend last met the sequence.
struct Place {
	Oid sequence;
	uint64 generation; // of the log catalogue
	xl_seq_rec file;
	Buffer buffer;
};

Place place;

/// Takes numbers from the pool without opening the sequence. To know where it stands, its page needs no lock: that is one aligned word,
/// and whoever has drawn something this transaction depends on has committed since.
bool take_unopened(Oid sequence, int count, int64 *first)
{
	if (place.sequence != sequence || place.generation != log_catalog_generation() ||
		!pin_recent_buffer(place.file, place.buffer))
		return false;
	HeapTupleData tuple = tuple_in(place.buffer);
	const volatile FormData_pg_sequence_data *data = data_of(tuple);
	const bool taken = data->is_called && take(own_pool(), place.file, data->last_value, count, first);
	ReleaseBuffer(place.buffer);
	return taken;
}

} // namespace

int64 draw_numbers(Oid sequence, int64 count)
{
	Relation relation = relation_open(sequence, RowExclusiveLock);
	GetTopTransactionId(); // its commit flushes the record below
	Buffer buffer = ReadBuffer(relation, 0);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	HeapTupleData tuple = tuple_in(buffer);
	Form_pg_sequence_data data = data_of(tuple);

	const int64 first = data->is_called ? data->last_value + count : data->last_value;
	// A checkpoint since the last record means that replay would not meet that record any more.
	const bool needs_record =
		!data->is_called || data->log_cnt <= 0 || PageGetLSN(BufferGetPage(buffer)) <= GetRedoRecPtr();
	set_stand(relation, buffer, first, needs_record ? first + draws_per_record * count : 0, draws_per_record);
	UnlockReleaseBuffer(buffer);
	relation_close(relation, NoLock);
	return first;
}

int64 draw_change_numbers(Oid sequence, int count)
{
	if (!pools)
		return draw_numbers(sequence, change_numbers_per_draw);
	int64 first;
	if (take_unopened(sequence, count, &first))
		return first;

	Relation relation = relation_open(sequence, RowExclusiveLock);
	GetTopTransactionId(); // its commit flushes the record below
	place.generation = log_catalog_generation();
	Buffer buffer = ReadBuffer(relation, 0);
	place.sequence = sequence;
	set_file(place.file, relation);
	place.buffer = buffer;
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	HeapTupleData tuple = tuple_in(buffer);
	Form_pg_sequence_data data = data_of(tuple);
	// Another backend may have filled the pool meanwhile.
	if (!data->is_called || !take(own_pool(), place.file, data->last_value, count, &first)) {
		first = data->is_called ? data->last_value + change_numbers_per_draw : data->last_value;
		// Whatever is committed with these numbers comes after this record in the WAL.
		const int64 stand = first + (draws_per_pool - 1) * change_numbers_per_draw;
		set_stand(relation, buffer, stand, stand, 0);
		fill(own_pool(), place.file, stand, first + count, stand + change_numbers_per_draw);
	}
	UnlockReleaseBuffer(buffer);
	relation_close(relation, NoLock);
	return first;
}

void reserve_number_pools()
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = create_pools;
}

} // namespace lockstep

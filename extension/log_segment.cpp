#include "log_segment.hpp"

#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "segment_list.hpp"

namespace lockstep
{

namespace
{

/// The indexes of the newest segment, as the server described them last.
struct IndexCache {
	MemoryContext context;
	uint64 generation; // of the log catalogue; 0: nothing is cached
	Oid segment;
	int count;
	Oid indexes[max_segment_indexes];
	IndexInfo *infos[max_segment_indexes]; // NULL where one may not be kept
	int last_column;                       // of those that are indexed
};

IndexCache cache;

void require_plain_index(Relation index)
{
	if (heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, nullptr) &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr))
		return;
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("index \"%s\" on the change log is not supported", RelationGetRelationName(index)),
		errdetail("Indexes on the change log cannot have expressions or a predicate."),
		errhint("Drop the index."));
}

void load_indexes(Relation segment)
{
	const uint64 generation = log_catalog_generation() + 1; // so that the first is not 0
	if (cache.generation == generation && cache.segment == RelationGetRelid(segment))
		return;
	if (!cache.context)
		cache.context = AllocSetContextCreate(TopMemoryContext, "lockstep log indexes", ALLOCSET_SMALL_SIZES);
	cache.generation = 0;
	MemoryContextReset(cache.context);
	MemoryContext caller = MemoryContextSwitchTo(cache.context);
	List *indexes = RelationGetIndexList(segment);
	if (list_length(indexes) > max_segment_indexes)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("segment \"%s\" of the change log has more than %d indexes",
				RelationGetRelationName(segment), max_segment_indexes),
			errhint("Drop those that lockstep did not make."));
	cache.count = 0;
	cache.last_column = 0;
	ListCell *cell;
	foreach (cell, indexes) {
		Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
		require_plain_index(index);
		cache.indexes[cache.count] = lfirst_oid(cell);
		// Other access methods leave things in it that refer to the relation as it was opened then.
		cache.infos[cache.count] = index->rd_rel->relam == BTREE_AM_OID ? BuildIndexInfo(index) : nullptr;
		for (int i = 0; i < index->rd_index->indnatts; ++i)
			cache.last_column = Max(cache.last_column, index->rd_index->indkey.values[i]);
		++cache.count;
		index_close(index, NoLock);
	}
	MemoryContextSwitchTo(caller);
	cache.segment = RelationGetRelid(segment);
	cache.generation = generation;
}

void insert_entry(OpenSegment &segment, int number, const Datum *values, const bool *nulls, ItemPointer place)
{
	Relation index = segment.indexes[number];
	const Form_pg_index form = index->rd_index;
	// One that is being built concurrently, or whose build failed, is still empty; who builds it puts in what is written meanwhile. (That it
	// is ready is told to nobody who only keeps its description, so the cache must not know.)
	if (!form->indisready)
		return;
	Datum key[INDEX_MAX_KEYS];
	bool key_nulls[INDEX_MAX_KEYS];
	for (int i = 0; i < form->indnatts; ++i) {
		key[i] = values[form->indkey.values[i] - 1];
		key_nulls[i] = nulls[form->indkey.values[i] - 1];
	}
	index_insert(index, key, key_nulls, place, segment.relation,
		form->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, segment.infos[number]);
}

} // namespace

OpenSegment open_current_segment(int32 *number)
{
	OpenSegment segment{};
	segment.relation = open_newest_segment(number);
	load_indexes(segment.relation);
	segment.index_count = cache.count;
	for (int i = 0; i < cache.count; ++i) {
		segment.indexes[i] = index_open(cache.indexes[i], RowExclusiveLock);
		segment.infos[i] = cache.infos[i] ? cache.infos[i] : BuildIndexInfo(segment.indexes[i]);
	}
	return segment;
}

void insert_row(OpenSegment &segment, HeapTuple tuple, const Datum *values, const bool *nulls)
{
	heap_insert(segment.relation, tuple, GetCurrentCommandId(true), 0, nullptr);
	for (int i = 0; i < segment.index_count; ++i)
		insert_entry(segment, i, values, nulls, &tuple->t_self);
}

void insert_rows(OpenSegment &segment, TupleTableSlot **slots, int count)
{
	heap_multi_insert(segment.relation, slots, count, GetCurrentCommandId(true), 0, nullptr);
	for (int i = 0; i < segment.index_count; ++i)
		for (int n = 0; n < count; ++n) {
			slot_getsomeattrs(slots[n], cache.last_column);
			insert_entry(segment, i, slots[n]->tts_values, slots[n]->tts_isnull, &slots[n]->tts_tid);
		}
}

void close_segment(OpenSegment &segment)
{
	for (int i = 0; i < segment.index_count; ++i) {
		end_index_inserts(segment.indexes[i], segment.infos[i]);
		index_close(segment.indexes[i], NoLock); // the locks are the transaction's
	}
	table_close(segment.relation, NoLock);
}

} // namespace lockstep

#include "shape.hpp"

#include "jsonb_object.hpp"
#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "sequence.hpp"

namespace lockstep
{

namespace
{

/// The shapes that this backend has met, by number. There are as many as tables had sets of columns.
struct Cache {
	MemoryContext context; // NULL: nothing is cached
	HTAB *shapes;
	Oid table;         // lockstep.shape when they were read: a re-created extension starts afresh
	uint64 generation; // what a KnownShape must have
	bool any_uncommitted;
};

Cache cache{nullptr, nullptr, InvalidOid, 1, false};

void forget()
{
	if (cache.context)
		MemoryContextDelete(cache.context);
	cache.context = nullptr;
	cache.shapes = nullptr;
	cache.any_uncommitted = false;
	++cache.generation;
}

void prepare_cache()
{
	const Oid table = log_catalog().shape;
	if (cache.context && cache.table == table)
		return;
	forget();
	cache.table = table;
	cache.context = AllocSetContextCreate(TopMemoryContext, "lockstep shapes", ALLOCSET_SMALL_SIZES);
	HASHCTL control{};
	control.keysize = sizeof(int64);
	control.entrysize = sizeof(Shape);
	control.hcxt = cache.context;
	cache.shapes = hash_create("lockstep shapes", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

int64 hash_of(const ShapeName *names, int count)
{
	uint64 hash = static_cast<uint64>(count);
	for (int i = 0; i < count; ++i)
		hash = hash_bytes_extended(
			reinterpret_cast<const unsigned char *>(names[i].text), names[i].length, hash);
	return static_cast<int64>(hash);
}

/// The names that a row of lockstep.shape holds.
ShapeName *names_of_tuple(TupleDesc descriptor, HeapTuple tuple, int *count)
{
	bool is_null;
	ArrayType *array = DatumGetArrayTypeP(heap_getattr(tuple, shape_names, descriptor, &is_null));
	Datum *values;
	bool *nulls;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, count);
	auto *names = palloc_array_of<ShapeName>(Max(*count, 1));
	for (int i = 0; i < *count; ++i) {
		text *name = DatumGetTextPP(values[i]);
		names[i] = {VARDATA_ANY(name), static_cast<int>(VARSIZE_ANY_EXHDR(name))};
	}
	return names;
}

bool same(const ShapeName *left, int left_count, const ShapeName *right, int right_count)
{
	if (left_count != right_count)
		return false;
	for (int i = 0; i < left_count; ++i)
		if (left[i].length != right[i].length || memcmp(left[i].text, right[i].text, left[i].length) != 0)
			return false;
	return true;
}

/// 0: there is none. `is_own`: this transaction wrote it, and may yet roll it back, perhaps with a savepoint.
int64 find_shape(Relation relation, const ShapeName *names, int count, int64 hash, bool *is_own)
{
	ScanKeyData key;
	ScanKeyInit(&key, shape_hash, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hash));
	// Rows here never change, so any that is committed will do; an MVCC snapshot would make serializable transactions fail on each other.
	SysScanDesc scan =
		systable_beginscan(relation, log_catalog().shape_hash_index, true, SnapshotSelf, 1, &key);
	int64 id = 0;
	while (HeapTuple tuple = systable_getnext(scan)) {
		TupleDesc descriptor = RelationGetDescr(relation);
		int found_count;
		const ShapeName *found = names_of_tuple(descriptor, tuple, &found_count);
		if (!same(found, found_count, names, count))
			continue;
		bool is_null;
		id = DatumGetInt64(heap_getattr(tuple, shape_id, descriptor, &is_null));
		*is_own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
		break;
	}
	systable_endscan(scan);
	return id;
}

int64 write_shape(Relation relation, const ShapeName *names, int count, int64 hash)
{
	auto *texts = palloc_array_of<Datum>(Max(count, 1));
	for (int i = 0; i < count; ++i)
		texts[i] = PointerGetDatum(cstring_to_text_with_len(names[i].text, names[i].length));
	const int64 id = draw_numbers(log_catalog().shape_seq, 1);
	Datum values[shape_columns];
	bool nulls[shape_columns] = {};
	values[shape_id - 1] = Int64GetDatum(id);
	values[shape_hash - 1] = Int64GetDatum(hash);
	values[shape_names - 1] =
		PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
	CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
	return id;
}

/// Reads a row of lockstep.shape into the cache's context. False: there is none of that number.
bool read_shape(Shape &shape)
{
	const LogCatalog &catalog = log_catalog();
	Relation relation = table_open(catalog.shape, AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, shape_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(shape.id));
	SysScanDesc scan = systable_beginscan(relation, catalog.shape_id_index, true, SnapshotSelf, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple)) {
		int count;
		const ShapeName *names = names_of_tuple(RelationGetDescr(relation), tuple, &count);
		Size size = 0;
		for (int i = 0; i < count; ++i)
			size += names[i].length;
		MemoryContext caller = MemoryContextSwitchTo(cache.context);
		// The names' entries are made by who makes those of whole objects.
		JsonbObjectWriter object(count, size, 0);
		shape.count = count;
		shape.names = palloc_array_of<ShapeName>(Max(count, 1));
		const char *text = object.begin();
		for (int i = 0; i < count; ++i) {
			shape.names[i] = {object.begin(), names[i].length};
			object.add_name(names[i].text, names[i].length);
		}
		shape.entries = object.name_entries();
		shape.text = text;
		shape.text_size = size;
		MemoryContextSwitchTo(caller);
	}
	const bool found = HeapTupleIsValid(tuple);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

} // namespace

int64 intern_shape(const ShapeName *names, int count, KnownShape &known)
{
	prepare_cache();
	if (known.generation == cache.generation)
		return known.id;
	// Two backends that meet new names at once both write them. Uniqueness would make one wait for the other's commit.
	const int64 hash = hash_of(names, count);
	Relation relation = table_open(cache.table, RowExclusiveLock);
	bool is_own = false;
	int64 id = find_shape(relation, names, count, hash, &is_own);
	cache.any_uncommitted |= is_own || id == 0;
	if (id == 0)
		id = write_shape(relation, names, count, hash);
	table_close(relation, RowExclusiveLock);
	known = {id, cache.generation};
	return id;
}

const Shape &shape_of(int64 id)
{
	prepare_cache();
	if (const void *known = hash_search(cache.shapes, &id, HASH_FIND, nullptr))
		return *static_cast<const Shape *>(known);
	Shape shape{};
	shape.id = id;
	if (!read_shape(shape))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
			errmsg("a row image in the change log refers to shape %lld, which is not in lockstep.shape",
				static_cast<long long>(id)));
	auto *entry = static_cast<Shape *>(hash_search(cache.shapes, &id, HASH_ENTER, nullptr));
	*entry = shape;
	return *entry;
}

void forget_uncommitted_shapes()
{
	if (cache.any_uncommitted)
		forget();
}

void shapes_committed()
{
	cache.any_uncommitted = false;
}

} // namespace lockstep

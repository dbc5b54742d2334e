#include "relation_info.hpp"

#include "log_catalog.hpp"
#include "log_tables.hpp"

namespace lockstep
{

namespace
{

HTAB *cache = nullptr;

void relation_changed(Datum, Oid relation)
{
	if (!cache)
		return;
	// What a leaf's facts say depends on its ancestors and on the catalogue too. Changes of those are rare; forgetting all is simple.
	HASH_SEQ_STATUS status;
	hash_seq_init(&status, cache);
	bool concerns = relation == InvalidOid;
	while (auto *info = static_cast<RelationInfo *>(hash_seq_search(&status)))
		concerns |= relation == info->relation || relation == info->root;
	if (!concerns)
		return;
	hash_seq_init(&status, cache);
	while (auto *info = static_cast<RelationInfo *>(hash_seq_search(&status)))
		info->valid = false;
}

void create_cache()
{
	HASHCTL control{};
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(RelationInfo);
	control.hcxt = CacheMemoryContext;
	cache = hash_create("lockstep relations", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/// The row of lockstep.tracked_table for `relation`, copied, or NULL.
HeapTuple tracked_row(Relation catalog, Oid relation)
{
	ScanKeyData key;
	ScanKeyInit(&key, tracked_relation, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	RelationGetIndexList(catalog); // fills rd_pkindex
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan =
		systable_beginscan(catalog, catalog->rd_pkindex, OidIsValid(catalog->rd_pkindex), snapshot, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	return tuple;
}

/// The tracked table that `relation` is or belongs to, and its row.
HeapTuple find_tracked_row(Relation catalog, Oid relation, Oid *root)
{
	*root = relation;
	if (HeapTuple tuple = tracked_row(catalog, relation))
		return tuple;
	// Not get_partition_ancestors(): it leaves out a partition whose DETACH CONCURRENTLY has begun, and may never end. Its triggers are
	// there until it does, and its changes are logged as long.
	while (get_rel_relispartition(*root)) {
		*root = get_partition_parent(*root, true);
		if (HeapTuple tuple = tracked_row(catalog, *root))
			return tuple;
	}
	return nullptr;
}

AttrNumber column_number(Relation relation, const char *name)
{
	const AttrNumber number = get_attnum(RelationGetRelid(relation), name);
	if (number <= 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
			errmsg("column \"%s\" of tracked table \"%s\" does not exist", name,
				RelationGetRelationName(relation)),
			errdetail("The table was tracked with that column."),
			errhint("Run lockstep.untrack() and lockstep.track() again."));
	return number;
}

/// The name that a column of the tracked table has now, by the number it had when it was noted.
const char *present_name(Oid root, HeapTuple tuple, TupleDesc catalog_descriptor, const char *name)
{
	bool is_null;
	if (get_attnum(root, name) > 0)
		return name;
	Jsonb *numbers =
		DatumGetJsonbP(heap_getattr(tuple, tracked_column_numbers, catalog_descriptor, &is_null));
	JsonbValue value;
	if (!getKeyJsonValueFromContainer(&numbers->root, name, static_cast<int>(strlen(name)), &value) ||
		value.type != jbvNumeric)
		return name;
	const int32 number = DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
	char *present = get_attname(root, static_cast<AttrNumber>(number), true);
	return present ? present : name;
}

Datum *names_of(Datum array, int *count)
{
	Datum *names;
	deconstruct_array(
		DatumGetArrayTypeP(array), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, nullptr, count);
	return names;
}

void fill(RelationInfo &info, Relation relation, TupleDesc catalog_descriptor, HeapTuple tuple)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	bool is_null;
	int count;

	auto *excluded = static_cast<bool *>(palloc0(descriptor->natts * sizeof(bool)));
	Datum *names =
		names_of(heap_getattr(tuple, tracked_exclude_columns, catalog_descriptor, &is_null), &count);
	for (int i = 0; i < count; ++i) {
		// A column that was dropped since is excluded well enough, but one that was renamed unnoticed (event triggers can be off) is not.
		const char *name =
			present_name(info.root, tuple, catalog_descriptor, NameStr(*DatumGetName(names[i])));
		const AttrNumber number = get_attnum(RelationGetRelid(relation), name);
		if (number > 0)
			excluded[number - 1] = true;
	}
	info.columns = make_column_set(descriptor, excluded);
	info.virtual_columns = make_virtual_columns(relation, info.root, excluded);

	Datum version = heap_getattr(tuple, tracked_version_column, catalog_descriptor, &is_null);
	info.version_column = column_number(relation, NameStr(*DatumGetName(version)));
	info.version_type = TupleDescAttr(descriptor, info.version_column - 1)->atttypid;
	if (info.version_type != INT4OID && info.version_type != INT8OID)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
			errmsg("version column \"%s\" of tracked table \"%s\" is neither integer nor bigint",
				NameStr(*DatumGetName(version)), RelationGetRelationName(relation)),
			errhint("Change its type back, or run lockstep.untrack()."));

	info.is_key = static_cast<bool *>(palloc0(info.columns.count * sizeof(bool)));
	names = names_of(heap_getattr(tuple, tracked_key_columns, catalog_descriptor, &is_null), &count);
	info.key_count = count;
	info.key_numbers = palloc_array_of<AttrNumber>(count);
	for (int i = 0; i < count; ++i) {
		const AttrNumber number = info.key_numbers[i] =
			column_number(relation, NameStr(*DatumGetName(names[i])));
		for (int c = 0; c < info.columns.count; ++c) {
			if (info.columns.columns[c].number != number)
				continue;
			info.is_key[c] = true;
			if (i == 0)
				info.key_kind = info.columns.columns[c].value.kind;
		}
	}
	for (int c = 0; c < info.columns.count; ++c)
		if (info.columns.columns[c].number == info.version_column)
			info.version_index = c;
}

} // namespace

const RelationInfo *relation_info(Relation relation)
{
	if (!cache)
		create_cache();
	const Oid oid = RelationGetRelid(relation);
	bool found;
	auto *info = static_cast<RelationInfo *>(hash_search(cache, &oid, HASH_ENTER, &found));
	if (!found) {
		info->context = nullptr;
		info->valid = false;
	}
	if (info->valid)
		return info;
	if (!info->context)
		info->context = AllocSetContextCreate(CacheMemoryContext, "lockstep relation", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(info->context);
	info->valid = true; // before reading: an invalidation that comes meanwhile must win
	info->root = InvalidOid;
	info->version_index = -1;

	MemoryContext caller = MemoryContextSwitchTo(info->context);
	bool tracked = false;
	PG_TRY();
	{
		Relation catalog = table_open(log_catalog().tracked_table, AccessShareLock);
		if (HeapTuple tuple = find_tracked_row(catalog, oid, &info->root)) {
			fill(*info, relation, RelationGetDescr(catalog), tuple);
			tracked = true;
		}
		table_close(catalog, AccessShareLock);
	}
	PG_CATCH();
	{
		info->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (!tracked) {
		info->valid = false;
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("table \"%s\" has a trigger of lockstep but is not tracked",
				RelationGetRelationName(relation)),
			errhint("Track it with lockstep.track(), or drop the trigger."));
	}
	return info;
}

void require_own_trigger(const TriggerData *trigger, const char *name)
{
	if (strcmp(trigger->tg_trigger->tgname, name) == 0)
		return;
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("trigger \"%s\" on table \"%s\" was not made by lockstep.track()", trigger->tg_trigger->tgname,
			RelationGetRelationName(trigger->tg_relation)),
		errdetail("Lockstep's trigger is named \"%s\".", name),
		errhint("Drop the trigger, or give it back its name."));
}

int64 version_from_datum(const RelationInfo &info, Datum value, bool is_null)
{
	if (is_null)
		return 0;
	return info.version_type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

Datum version_to_datum(const RelationInfo &info, int64 version)
{
	if (info.version_type == INT4OID)
		return Int32GetDatum(static_cast<int32>(version));
	return Int64GetDatum(version);
}

void register_relation_info_callbacks()
{
	CacheRegisterRelcacheCallback(relation_changed, 0);
}

} // namespace lockstep

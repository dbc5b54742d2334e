#include "log_catalog.hpp"

#include "log_tables.hpp"

namespace lockstep
{

namespace
{

LogCatalog catalog;
bool catalog_valid = false;

Segment newest;
bool newest_valid = false;

/// Counts invalidations, so that one that comes while a cache is being filled is not overlooked.
uint64 invalidations = 0;

int32 era = 0;
bool era_known = false;
bool era_uncommitted = false;

XLogRecPtr beginning = InvalidXLogRecPtr;
bool beginning_known = false;

void relation_changed(Datum, Oid relid)
{
	// A new or detached segment invalidates the parent, a re-created extension its old tables.
	if (relid == InvalidOid || relid == catalog.change || relid == newest.relation ||
		relid == catalog.tracked_table || relid == catalog.origin || relid == catalog.era ||
		relid == catalog.change_seq || relid == catalog.origin_seq || relid == catalog.beginning) {
		++invalidations;
		catalog_valid = false;
		newest_valid = false;
		era_known = false;
		beginning_known = false;
	}
}

bool load_catalog()
{
	const uint64 before = invalidations;
	LogCatalog found{};
	// The names alone prove nothing: anyone who may create a schema could have made them. Members of the extension are the superuser's.
	const Oid extension = get_extension_oid("lockstep", true);
	found.schema = get_namespace_oid("lockstep", true);
	if (!OidIsValid(extension) || !OidIsValid(found.schema) ||
		getExtensionOfObject(NamespaceRelationId, found.schema) != extension)
		return false;
	const struct {
		const char *name;
		Oid *oid;
	} parts[] = {
		{"tracked_table", &found.tracked_table},
		{"change", &found.change},
		{"change_seq", &found.change_seq},
		{"origin", &found.origin},
		{"origin_hash_idx", &found.origin_hash_index},
		{"origin_pkey", &found.origin_id_index},
		{"origin_id_seq", &found.origin_seq},
		{"era", &found.era},
		{"beginning", &found.beginning},
	};
	for (const auto &part : parts) {
		*part.oid = get_relname_relid(part.name, found.schema);
		if (!OidIsValid(*part.oid))
			return false;
	}
	catalog = found;
	catalog_valid = before == invalidations;
	return true;
}

Oid position_index(Relation segment)
{
	List *indexes = RelationGetIndexList(segment);
	Oid found = InvalidOid;
	ListCell *cell;
	foreach (cell, indexes) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		const Form_pg_index form = index->rd_index;
		if (form->indnkeyatts == 2 && form->indkey.values[0] == change_xid &&
			form->indkey.values[1] == change_seq && form->indisvalid)
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	if (!OidIsValid(found))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("segment \"%s\" of the change log has no index on (xid, seq)",
				RelationGetRelationName(segment)),
			errhint("Create it again, or restore the log from a backup."));
	return found;
}

} // namespace

bool log_catalog_exists()
{
	return catalog_valid || load_catalog();
}

uint64 log_catalog_generation()
{
	return invalidations;
}

const LogCatalog &log_catalog()
{
	if (!log_catalog_exists())
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("extension \"lockstep\" is not installed in this database"),
			errhint("Run CREATE EXTENSION lockstep, or remove its triggers."));
	return catalog;
}

namespace
{

Segment *read_segments(int *count, bool with_index)
{
	Relation parent = table_open(log_catalog().change, AccessShareLock);
	PartitionDesc partitions = RelationGetPartitionDesc(parent, true);
	*count = partitions->nparts;
	auto *segments = palloc_array_of<Segment>(Max(*count, 1));
	// LIST partitions of single numbers are kept in the order of their bounds: oldest first.
	for (int i = 0; i < *count; ++i)
		segments[i] = {partitions->oids[i], InvalidOid, DatumGetInt32(partitions->boundinfo->datums[i][0])};
	for (int i = 0; with_index && i < *count; ++i) {
		Relation segment = table_open(segments[i].relation, AccessShareLock);
		segments[i].index = position_index(segment);
		table_close(segment, NoLock);
	}
	table_close(parent, NoLock);
	return segments;
}

} // namespace

Segment *list_segments(int *count)
{
	return read_segments(count, true);
}

Oid current_segment(int32 *number)
{
	if (!catalog_valid || !newest_valid) {
		const uint64 before = invalidations;
		int count;
		// Writing needs no index: pg_restore makes tables first, fires our event trigger, and makes indexes last.
		Segment *segments = read_segments(&count, false);
		if (count == 0)
			ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the change log has no segment"),
				errhint("Run SELECT lockstep.maintain() as a superuser."));
		newest = segments[count - 1];
		newest_valid = before == invalidations;
		pfree(segments);
	}
	*number = newest.number;
	return newest.relation;
}

namespace
{

/// The newest era in the table, and whether it is this database's present life.
int32 read_era(bool *is_current)
{
	Relation relation = table_open(log_catalog().era, AccessShareLock);
	// Not the transaction's snapshot, as another backend may have opened the era since; and none that serializable transactions
	// would have to remember what they read with.
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, SnapshotSelf, 0, nullptr);
	int32 last = 0;
	*is_current = false;
	while (HeapTuple tuple = systable_getnext(scan)) {
		Datum values[era_columns];
		bool nulls[era_columns];
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		const int32 number = DatumGetInt32(values[era_number - 1]);
		if (number < last)
			continue;
		last = number;
		*is_current = static_cast<uint64>(DatumGetInt64(values[era_system - 1])) == GetSystemIdentifier() &&
			DatumGetObjectId(values[era_database - 1]) == MyDatabaseId &&
			DatumGetInt32(values[era_timeline - 1]) == static_cast<int32>(GetWALInsertionTimeLine());
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return last;
}

} // namespace

int32 current_era_for_read()
{
	if (era_known && catalog_valid)
		return era;
	bool is_current;
	const int32 last = read_era(&is_current);
	if (!is_current)
		return 0;
	era = last;
	era_known = true;
	return era;
}

int32 current_era_for_write()
{
	if (era_known && catalog_valid)
		return era;
	bool is_current;
	int32 number = read_era(&is_current);
	if (!is_current) {
		// No uniqueness: two backends that open the same era at once both succeed, and mean the same.
		++number;
		Relation relation = table_open(log_catalog().era, RowExclusiveLock);
		Datum values[era_columns];
		bool nulls[era_columns] = {};
		values[era_number - 1] = Int32GetDatum(number);
		values[era_system - 1] = Int64GetDatum(static_cast<int64>(GetSystemIdentifier()));
		values[era_database - 1] = ObjectIdGetDatum(MyDatabaseId);
		values[era_timeline - 1] = Int32GetDatum(static_cast<int32>(GetWALInsertionTimeLine()));
		values[era_started - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
		table_close(relation, RowExclusiveLock);
		era_uncommitted = true;
	}
	era = number;
	era_known = true;
	return era;
}

XLogRecPtr log_beginning()
{
	if (beginning_known && catalog_valid)
		return beginning;
	Relation relation = table_open(log_catalog().beginning, AccessShareLock);
	// It never changes, and must be found by a snapshot from before it too.
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, SnapshotSelf, 0, nullptr);
	HeapTuple tuple = systable_getnext(scan);
	bool is_null = true;
	beginning = HeapTupleIsValid(tuple)
		? DatumGetLSN(heap_getattr(tuple, beginning_lsn, RelationGetDescr(relation), &is_null))
		: InvalidXLogRecPtr;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (is_null)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("the table \"lockstep.beginning\" is empty"),
			errhint("Create the extension lockstep again, or restore the database from a backup."));
	beginning_known = true;
	return beginning;
}

void forget_uncommitted_era()
{
	if (era_uncommitted) {
		era_known = false;
		era_uncommitted = false;
	}
}

void era_committed()
{
	era_uncommitted = false;
}

void register_log_catalog_callbacks()
{
	CacheRegisterRelcacheCallback(relation_changed, 0);
}

} // namespace lockstep

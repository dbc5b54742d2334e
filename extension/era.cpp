#include "era.hpp"

#include "log_catalog.hpp"
#include "log_tables.hpp"

namespace lockstep
{

namespace
{

int32 era = 0;
bool era_uncommitted = false;
XLogRecPtr beginning = InvalidXLogRecPtr;

/// When the two were read: the log catalogue's generation then, plus one. 0: not yet.
uint64 era_known = 0;
uint64 beginning_known = 0;

/// Are lockstep's own tables still as they were?
bool known_since(uint64 known)
{
	return known == log_catalog_generation() + 1 && log_catalog_exists();
}

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
	if (known_since(era_known))
		return era;
	const uint64 generation = log_catalog_generation() + 1;
	bool is_current;
	const int32 last = read_era(&is_current);
	if (!is_current)
		return 0;
	era = last;
	era_known = generation;
	return era;
}

int32 current_era_for_write()
{
	if (known_since(era_known))
		return era;
	const uint64 generation = log_catalog_generation() + 1;
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
	era_known = generation;
	return era;
}

XLogRecPtr log_beginning()
{
	if (known_since(beginning_known))
		return beginning;
	const uint64 generation = log_catalog_generation() + 1;
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
	beginning_known = generation;
	return beginning;
}

void forget_uncommitted_era()
{
	if (era_uncommitted) {
		era_known = 0;
		era_uncommitted = false;
	}
}

void era_committed()
{
	era_uncommitted = false;
}

} // namespace lockstep

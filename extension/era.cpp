#include "era.hpp"

#include "log_catalog.hpp"
#include "log_tables.hpp"

namespace lockstep
{

namespace
{

/// What the table of eras says.
struct Eras {
	int32 last; // the largest number; 0: there is none
	// The first of those without a gap up to `last` …
	int32 first_readable;    // … that belong to this life,
	int32 first_with_tables; // … whose rows know tables by the present OIDs. Where none does, last + 1
	bool is_current;         // was `last` opened on this timeline?
};

int32 era = 0;
int32 first_readable = 0;
bool era_uncommitted = false;

struct Beginning {
	XLogRecPtr lsn;
	pg_uuid_t id;
};
Beginning beginning;

/// When they were read: the log catalogue's generation then, plus one. 0: not yet.
uint64 era_known = 0;
uint64 first_readable_known = 0;
uint64 beginning_known = 0;

/// Are lockstep's own tables still as they were?
bool known_since(uint64 known)
{
	return known == log_catalog_generation() + 1 && log_catalog_exists();
}

const Beginning &read_beginning()
{
	if (known_since(beginning_known))
		return beginning;
	const uint64 generation = log_catalog_generation() + 1;
	Relation relation = table_open(log_catalog().beginning, AccessShareLock);
	// It never changes, and must be found by a snapshot from before it too.
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, SnapshotSelf, 0, nullptr);
	HeapTuple tuple = systable_getnext(scan);
	const bool is_found = HeapTupleIsValid(tuple);
	if (is_found) {
		Datum values[beginning_columns];
		bool nulls[beginning_columns];
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		beginning = {DatumGetLSN(values[beginning_lsn - 1]), *DatumGetUUIDP(values[beginning_id - 1])};
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!is_found)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("the table \"lockstep.beginning\" is empty"),
			errhint("Create the extension lockstep again, or restore the database from a backup."));
	beginning_known = generation;
	return beginning;
}

/// Do the OIDs in the log's rows of that era still name the tables that they named? They do as long as the database is copied file by file.
bool has_these_tables(const Datum *values, const bool *nulls)
{
	return !nulls[era_beginning - 1] &&
		memcmp(DatumGetUUIDP(values[era_beginning - 1]), &read_beginning().id, sizeof(pg_uuid_t)) == 0;
}

/// Numbers of transactions mean the same as long as the server and the database are the same too. (A timeline that branches off
/// inherits all that was before.)
bool is_this_life(const Datum *values, const bool *nulls)
{
	return static_cast<uint64>(DatumGetInt64(values[era_system - 1])) == GetSystemIdentifier() &&
		DatumGetObjectId(values[era_database - 1]) == MyDatabaseId && has_these_tables(values, nulls);
}

/// A run of eras up to the last: the first one of it. Given each era's number, and whether it belongs into the run.
struct Run {
	int32 first_own = PG_INT32_MAX;
	int32 last_foreign = 0;

	void add(int32 number, bool is_own)
	{
		if (is_own)
			first_own = Min(first_own, number);
		else
			last_foreign = Max(last_foreign, number);
	}
	/// `last` + 1: it is empty.
	int32 first(int32 last) const
	{
		return last_foreign >= first_own ? last_foreign + 1 : Min(first_own, last + 1);
	}
};

Eras read_eras()
{
	Relation relation = table_open(log_catalog().era, AccessShareLock);
	const bool is_standby = RecoveryInProgress();
	// Not the transaction's snapshot, as another backend may have opened the era since; and none that serializable transactions
	// would have to remember what they read with.
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, SnapshotSelf, 0, nullptr);
	Eras eras{};
	Run life;
	Run tables;
	while (HeapTuple tuple = systable_getnext(scan)) {
		Datum values[era_columns];
		bool nulls[era_columns];
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		const int32 number = DatumGetInt32(values[era_number - 1]);
		const bool is_own = is_this_life(values, nulls);
		life.add(number, is_own);
		tables.add(number, has_these_tables(values, nulls));
		if (number > eras.last)
			eras.is_current = false;
		eras.last = Max(eras.last, number);
		// One number may stand there twice: two backends opened it at once, or a transaction that was prepared on another timeline.
		if (number == eras.last && is_own && !is_standby)
			eras.is_current |=
				DatumGetInt32(values[era_timeline - 1]) == static_cast<int32>(GetWALInsertionTimeLine());
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	eras.first_readable = life.first(eras.last);
	eras.first_with_tables = tables.first(eras.last);
	return eras;
}

} // namespace

int32 first_readable_era()
{
	if (known_since(first_readable_known))
		return first_readable;
	const uint64 generation = log_catalog_generation() + 1;
	const Eras eras = read_eras();
	// Where this life has no era yet, the first may be opened at any time.
	if (eras.first_readable <= eras.last) {
		first_readable = eras.first_readable;
		first_readable_known = generation;
	}
	return eras.first_readable;
}

int32 first_era_with_tables()
{
	return read_eras().first_with_tables;
}

int32 current_era_for_write()
{
	if (known_since(era_known))
		return era;
	const uint64 generation = log_catalog_generation() + 1;
	const Eras eras = read_eras();
	int32 number = eras.last;
	if (!eras.is_current) {
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
		pg_uuid_t id = read_beginning().id;
		values[era_beginning - 1] = UUIDPGetDatum(&id);
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
	return read_beginning().lsn;
}

void forget_uncommitted_era()
{
	// Not settled by a savepoint's roll-back: the transaction outside it may have opened the era, finds it again, and may yet roll it back.
	if (era_uncommitted)
		era_known = 0;
}

void era_committed()
{
	era_uncommitted = false;
}

} // namespace lockstep

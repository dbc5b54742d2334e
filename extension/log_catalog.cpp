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

void relation_changed(Datum, Oid relid)
{
	// A new or detached segment invalidates the parent, a re-created extension its old tables.
	if (relid == InvalidOid || relid == catalog.change || relid == newest.relation ||
		relid == catalog.tracked_table || relid == catalog.origin || relid == catalog.era ||
		relid == catalog.change_seq || relid == catalog.origin_seq || relid == catalog.beginning) {
		++invalidations;
		catalog_valid = false;
		newest_valid = false;
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

void register_log_catalog_callbacks()
{
	CacheRegisterRelcacheCallback(relation_changed, 0);
}

} // namespace lockstep

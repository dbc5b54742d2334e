#include "log_catalog.hpp"

namespace lockstep
{

namespace
{

LogCatalog catalog;
bool catalog_valid = false;

/// Counts invalidations, so that one that comes while a cache is being filled is not overlooked.
uint64 invalidations = 0;

void relation_changed(Datum, Oid relid)
{
	// A new or detached segment invalidates the parent, a re-created extension its old tables.
	if (relid == InvalidOid || is_segment_catalog(relid) || relid == catalog.tracked_table ||
		relid == catalog.origin || relid == catalog.shape || relid == catalog.era ||
		relid == catalog.change_seq || relid == catalog.origin_seq || relid == catalog.shape_seq ||
		relid == catalog.beginning)
		forget_log_catalog();
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
		{"shape", &found.shape},
		{"shape_hash_idx", &found.shape_hash_index},
		{"shape_pkey", &found.shape_id_index},
		{"shape_id_seq", &found.shape_seq},
		{"era", &found.era},
		{"beginning", &found.beginning},
		{"segment", &found.segment},
		{"retirement", &found.retirement},
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

} // namespace

bool log_catalog_exists()
{
	return catalog_valid || load_catalog();
}

bool is_segment_catalog(Oid relation)
{
	return relation == catalog.change || relation == catalog.segment || relation == catalog.retirement;
}

void forget_log_catalog()
{
	++invalidations;
	catalog_valid = false;
}

uint64 log_catalog_generation()
{
	return invalidations;
}

const LogCatalog &log_catalog()
{
	if (!log_catalog_exists() && OidIsValid(get_extension_oid("lockstep", true)))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("extension \"lockstep\" has an earlier version in this database than its library"),
			errdetail("The library is of version %s. Tracked tables cannot be written to, so that nothing is "
					  "missing in the log.",
				LOCKSTEP_VERSION),
			errhint("Run ALTER EXTENSION lockstep UPDATE."));
	if (!log_catalog_exists())
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("extension \"lockstep\" is not installed in this database"),
			errhint("Run CREATE EXTENSION lockstep, or remove its triggers."));
	return catalog;
}

void register_log_catalog_callbacks()
{
	CacheRegisterRelcacheCallback(relation_changed, 0);
}

} // namespace lockstep

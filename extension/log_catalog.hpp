// Where lockstep's own tables are: OIDs by name, cached until the server says that one of them changed.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

struct LogCatalog {
	Oid schema;
	Oid tracked_table; // lockstep.tracked_table: one row for each tracked table
	Oid change;        // lockstep.change: the partitioned log
	Oid change_seq;    // draws blocks of `seq`
	Oid origin;
	Oid origin_hash_index;
	Oid origin_id_index;
	Oid origin_seq;
	Oid shape;
	Oid shape_hash_index;
	Oid shape_id_index;
	Oid shape_seq;
	Oid era;
	Oid beginning;
	Oid segment;    // what is known of each segment
	Oid retirement; // up to where segments were dropped
};

/// Raises an error where the extension is not (or no longer) in this database.
const LogCatalog &log_catalog();

/// Grows whenever lockstep's own tables, the log's segments among them, may have changed.
uint64 log_catalog_generation();

/// True where the extension is in this database; never raises.
bool log_catalog_exists();

/// Is this one of the tables that say which segments there are?
bool is_segment_catalog(Oid relation);

/// To be read anew: lockstep's own tables may have changed.
void forget_log_catalog();

void register_log_catalog_callbacks();

} // namespace lockstep

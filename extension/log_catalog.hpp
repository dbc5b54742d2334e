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
	Oid era;
	Oid beginning;
};

/// Raises an error where the extension is not (or no longer) in this database.
const LogCatalog &log_catalog();

/// Grows whenever lockstep's own tables, the log's segments among them, may have changed.
uint64 log_catalog_generation();

/// True where the extension is in this database; never raises.
bool log_catalog_exists();

/// One table of the log.
struct Segment {
	Oid relation;
	Oid index; // its index on (xid, seq)
	int32 number;
};

/// The segments, oldest first, palloc'd in the current context.
Segment *list_segments(int *count);

/// Where new changes go: the newest segment. Raises an error where there is none.
Oid current_segment(int32 *number);

void register_log_catalog_callbacks();

} // namespace lockstep

// Eras: the lives of a database's transaction numbers.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// The number of this era (see docs/sql.md), opened by this call where the last one belongs to another database or another
/// timeline. Writes.
int32 current_era_for_write();

/// The first era whose rows in the log may be read by transaction number: from there on, all belong to this life of the database's
/// transaction numbers. Rows of earlier ones came with a restore, and their numbers mean nothing here. One past the last
/// era where nothing was ever logged in this life. (A promotion opens an era too, but numbers go on: what was prepared before and
/// committed after it bears the earlier one.)
int32 first_readable_era();

/// The first era from which on the log's rows know tables by the OIDs that these have now: pg_upgrade and copies of the files keep them, a
/// restored dump does not. Reads the table of eras.
int32 first_era_with_tables();

/// Where the WAL was when the extension was created: the log knows nothing from before.
XLogRecPtr log_beginning();

/// Forgets what an aborted (sub-)transaction may have made up.
void forget_uncommitted_era();
void era_committed();

} // namespace lockstep

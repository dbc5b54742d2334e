// Eras: the lives of a database's transaction numbers.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// The number of this era (see docs/sql.md), opened by this call where the last one belongs to another database or another
/// timeline. Writes.
int32 current_era_for_write();

/// The number of this era; 0 where none was opened yet, as nothing was ever logged in it.
int32 current_era_for_read();

/// Where the WAL was when the extension was created: the log knows nothing from before.
XLogRecPtr log_beginning();

/// Forgets what an aborted (sub-)transaction may have made up.
void forget_uncommitted_era();
void era_committed();

} // namespace lockstep

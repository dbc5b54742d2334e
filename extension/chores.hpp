// The chores of a database's worker: the log's segments, old mutation ids. They may take as long as an index takes to build, so they have a
// process of their own, and the doorbell rings on.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// How urgent are they? As lockstep.chores_due() says: 0 nothing, 1 what may have to wait for others, 2 what can be done at once. Runs a
/// transaction; an error is told in the server's log, and counts as nothing.
int chores_due();

/// Stands for what ALTER DATABASE and ALTER ROLE say of settings, which holds for new sessions only. Runs a transaction.
int session_defaults();

/// Starts the process, unless it still runs. Returns false where the server has no room for another.
bool start_chores(Oid database);

/// Asks the process to end, if it runs.
void end_chores();

} // namespace lockstep

// The background processes: a launcher for the server, and a worker for each database that has the extension.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

void register_launcher();

/// Starts a process for a database, which runs lockstep_<kind>_main() once and tells this one when it begins and ends. False: the server has
/// no room for another. `handle`: NULL, or gets one, palloc'd.
bool start_process(const char *kind, Oid database, BackgroundWorkerHandle **handle);

/// Keeps workers out of the way of DROP, RENAME and copies of their database, and rings for COMMIT PREPARED.
void install_utility_hook();

} // namespace lockstep

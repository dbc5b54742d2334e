// The background processes: a launcher for the server, and a worker for each database that has the extension.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

void register_launcher();

/// Keeps workers out of the way of DROP, RENAME and copies of their database, and rings for COMMIT PREPARED.
void install_utility_hook();

} // namespace lockstep

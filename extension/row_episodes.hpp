// The changes of one row that are in the log, newest first as nearly as they can be found.
#pragma once

#include "log_tables.hpp"
#include "pg/server.hpp"

namespace lockstep
{

/// One change of the row.
struct Episode {
	int64 seq;
	int64 version;
	Op op;
	int64 origin;
	TimestampTz at;
	Jsonb *old;
};

struct Episodes {
	Episode *items;
	int count;
};

/// Finds the changes that made the row's versions from `since` + 1 to `upto`, and perhaps some before; all that the log has where some of
/// those are not there. Newest first. This transaction's own, and what committed after its snapshot, count too.
Episodes find_episodes(Oid root, Jsonb *key, int64 since, int64 upto);

} // namespace lockstep

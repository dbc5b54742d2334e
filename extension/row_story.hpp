// What happened to a row since a version of it was read: for the people concerned, after a conflict.
#pragma once

#include "origin.hpp"
#include "pg/server.hpp"
#include "relation_info.hpp"

namespace lockstep
{

struct RowStory {
	/// Does the log know the last change, the one that made the present version? It does not where the row was changed while it was not
	/// tracked.
	bool is_known;
	Origin who;
	TimestampTz at;
	/// Names of the columns that changed, those of the newest change first, without the version column. List of char *.
	List *columns;
};

/// The changes of the row with this key after version `since`, up to `current`, in its present life. This transaction's own count too.
/// Slow: for error messages.
RowStory tell_row_story(
	const RelationInfo &info, Jsonb *key, const char *version_column, int64 since, int64 current);

} // namespace lockstep

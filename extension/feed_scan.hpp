// The feed's first pass: which changes are new, where they are, and in which order they are delivered.
#pragma once

#include "core/position.hpp"

#include "pg/server.hpp"
#include "segment_list.hpp"

namespace lockstep
{

using core::PositionView;
using core::Xid;

/// Where one change of the feed is.
struct Found {
	Xid xid;
	int64 seq;
	int64 last_seq; // of its transaction
	uint32 ordinal;
	int32 segment; // its number
	ItemPointerData place;
	bool is_marker;
};
static_assert(sizeof(Found) == 40); // a backlog has millions of them

/// A batch of the feed: what `upto` sees and `since` does not.
struct Feed {
	PositionView since;
	PositionView upto;
	OpenSegments open;
	MemoryContext memory; // of what was found
	Found *found;
	size_t count;
	size_t capacity;
	XLogRecPtr commit_lsn; // everything found is durable once the WAL is, up to here
	int32 first_era;       // rows of earlier ones mean other transactions
	/// What a reader at `since` has yet to see, whether it is found or ran at `upto`, in ascending order: below since.xmax, and from there on.
	const Xid *behind;
	size_t behind_count;
	const Xid *ahead;
	size_t ahead_count;
};

/// Finds everything that is new, in the order of delivery: transactions by their last seq, which respects every dependency between
/// them, and by ordinal inside. Fills everything from `memory` on but `first_era`; the rest of the feed is given. Reads with the active snapshot.
void find_changes(Feed &feed);

} // namespace lockstep

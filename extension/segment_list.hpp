// The segments of the log: which there are, which are closed, and which can hold what a reader asks for.
//
// Each backend keeps a list of them, from the partitions of lockstep.change and the catalogue lockstep.segment, until the server says that
// it changed. What the list knows of an index is looked up when it is needed first.
#pragma once

#include "core/position.hpp"

#include "pg/server.hpp"

namespace lockstep
{

/// One table of the log. Bounds are those of a closed segment, which nobody writes into any more.
struct Segment {
	Oid relation; // InvalidOid: somebody dropped it by hand
	Oid index;    // on (xid, seq); InvalidOid: not looked up yet
	int32 number;
	bool is_closed;
	bool is_empty; // closed without a change
	int32 first_era;
	int32 last_era;
	core::Xid first_xid;
	core::Xid last_xid;
	int64 bytes; // 0 while it is open
};

/// The one of this number; NULL where it is not among them.
Segment *find_segment(Segment *segments, int count, int32 number);

/// Segments that are open for reading, oldest first.
struct OpenSegments {
	Segment *segments;
	Relation *relations;
	int count;
};

/// Picks segments. May be asked about the same one again.
using SegmentFilter = bool (*)(const Segment &segment, void *context);

/// Opens the segments that the filter picks, as they are now, with AccessShareLock. Where `since` is given, raises LS004 unless the log
/// still has all that came after it.
OpenSegments open_segments(SegmentFilter filter, void *context, const core::PositionView *since);

/// Opens those that can hold changes which `upto` sees and `since` does not, of era `first_era` or a later one.
OpenSegments open_segments_between(
	const core::PositionView &since, const core::PositionView &upto, int32 first_era);

/// Closes them. `mode` is the lock to give up; NoLock: the transaction keeps it.
void close_segments(OpenSegments &open, LOCKMODE mode);

/// The index on (xid, seq) of open.segments[place]. Raises an error where it has none.
Oid position_index(const OpenSegments &open, int place);

/// Their numbers, oldest first, palloc'd.
int32 *segment_numbers(int *count);

/// What the closed ones take on disk, and which are still open (palloc'd).
struct LogSize {
	int64 closed_bytes;
	Oid *open;
	int open_count;
};
LogSize log_size();

/// The bounds of a closed segment say which transactions' changes it holds, as all of its eras belong to this life of the database.
inline bool has_bounds(const Segment &segment, int32 first_era)
{
	return segment.is_closed && !segment.is_empty && segment.first_era >= first_era;
}

/// Is there nothing of era `first_era` or a later one in it?
inline bool is_of_earlier_life(const Segment &segment, int32 first_era)
{
	return segment.is_closed && (segment.is_empty || segment.last_era < first_era);
}

/// Below this, transactions had changes in segments that were dropped; 0: none was dropped.
core::Xid retired_bound();

/// Opens the newest segment for writing. The transaction keeps the lock, and while it does, the segment is not closed. Raises an error where
/// there is none.
Relation open_newest_segment(int32 *number);

void register_segment_list_callbacks();

} // namespace lockstep

// One table of the log, opened for writing: rows and their index entries.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// Indexes of a segment; lockstep makes two, an administrator may add some.
constexpr int max_segment_indexes = 8;

struct OpenSegment {
	Relation relation;
	int index_count;
	Relation indexes[max_segment_indexes];
	IndexInfo *infos[max_segment_indexes];
};

/// Opens the newest segment and its indexes. Sets *number to the segment's. Raises an error where there is no segment, or an index on
/// it with expressions or a predicate.
OpenSegment open_current_segment(int32 *number);
/// Inserts a row. `values` and `nulls` are what `tuple` was made of.
void insert_row(OpenSegment &segment, HeapTuple tuple, const Datum *values, const bool *nulls);
/// Inserts the rows that `slots` hold.
void insert_rows(OpenSegment &segment, TupleTableSlot **slots, int count);
/// Keeps the locks until the transaction ends.
void close_segment(OpenSegment &segment);

} // namespace lockstep

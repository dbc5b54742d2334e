// The feed's second pass reads rows of the log by their place: mostly many of one page, one after the other.
#pragma once

#include "feed_scan.hpp"
#include "log_tables.hpp"
#include "pinned_pages.hpp"

namespace lockstep
{

/// One row of the log. What values refer to is valid until the reader's next call.
struct ChangeRow {
	Datum values[change_columns];
	bool nulls[change_columns];

	Datum value(ChangeColumn column) const { return values[column - 1]; }
	bool is_null(ChangeColumn column) const { return nulls[column - 1]; }
};

/// Reads rows of any segments. Where an error does not let close() do it, the end of the transaction releases what it holds.
class RowReader {
public:
	/// False: what the first pass found there is there no longer.
	bool read(Relation segment, const Found &found, ChangeRow &row);

	void close() { pages_.close(); }

private:
	bool read_checked(Relation segment, const Found &found, ChangeRow &row);

	PinnedPages pages_;
	HeapTuple checked_ = nullptr; // a copy that values refer to
};

static_assert(SafeAcrossErrors<RowReader>);

} // namespace lockstep

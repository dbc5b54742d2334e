// The feed's second pass reads rows of the log by their place: mostly many of one page, one after the other.
#pragma once

#include "feed_scan.hpp"
#include "log_tables.hpp"

namespace lockstep
{

/// One row of the log. What values refer to is valid until the reader's next call.
struct ChangeRow {
	Datum values[change_columns];
	bool nulls[change_columns];

	Datum value(ChangeColumn column) const { return values[column - 1]; }
	bool is_null(ChangeColumn column) const { return nulls[column - 1]; }
};

/// Reads one segment. Holds a pin on one page, which the end of the transaction releases where an error does not let close() do it.
class RowReader {
public:
	explicit RowReader(Relation segment) : segment_(segment) {}

	/// False: what the first pass found there is there no longer.
	bool read(const Found &found, ChangeRow &row);

	void close();

private:
	bool read_checked(const Found &found, ChangeRow &row);

	Relation segment_;
	TupleTableSlot *slot_ = nullptr;
	Buffer buffer_ = InvalidBuffer;
};

static_assert(SafeAcrossErrors<RowReader>);

} // namespace lockstep

// A row taken apart, virtual generated columns (PostgreSQL 18) included: a trigger is given none of their values.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// Values by attribute number - 1.
struct Row {
	const Datum *values;
	const bool *nulls;
	const bool *missing =
		nullptr; // virtual columns whose expression fails for this row; NULL when there are none

	bool is_missing(int at) const { return missing && missing[at]; }
};

/// How the virtual columns of one relation are computed.
struct VirtualColumns {
	int count;
	AttrNumber *numbers;
	ExprState **expressions;
	ExprContext *context;
};

/// Allocates in the current context. `excluded` tells by attribute number - 1 which columns nobody wants to know. A partition's
/// own expressions do not count: whoever reads the tracked table, `root`, is shown what those of that table say.
VirtualColumns make_virtual_columns(Relation relation, Oid root, const bool *excluded);

/// The row in `slot`: valid as long as that holds it, and the current memory context lives. An expression that divides by zero, say,
/// raises no error here: the statement did not compute it either.
Row read_row(const VirtualColumns &columns, TupleTableSlot *slot);

} // namespace lockstep

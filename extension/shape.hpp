// Shapes: the lists of column names that row images have in common, interned as rows of lockstep.shape.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

struct ShapeName {
	const char *text;
	int length;
};

struct Shape {
	int64 id; // hash key; never 0
	int count;
	ShapeName *names;
	/// What a jsonb object with all of them begins with: their entries, and the names one after the other.
	const JEntry *entries;
	const char *text;
	Size text_size;
};

/// What a caller remembers of intern_shape(), zeroed at first.
struct KnownShape {
	int64 id;
	uint64 generation;
};

/// The number under which these names, in jsonb's order, stand in lockstep.shape; writes them there where no one has. `known` spares the
/// search as long as it holds.
int64 intern_shape(const ShapeName *names, int count, KnownShape &known);

/// An interned shape. Raises ERRCODE_DATA_CORRUPTED where there is none of that number. Valid until the transaction's end.
const Shape &shape_of(int64 id);

/// At the end of a transaction, and when a sub-transaction aborts (its rows of lockstep.shape are gone).
void forget_uncommitted_shapes();
void shapes_committed();

} // namespace lockstep

// Row images: a row as jsonb, the same whatever the writer's session has set.
#pragma once

#include "json_value.hpp"
#include "pg/server.hpp"
#include "row.hpp"
#include "shape.hpp"

namespace lockstep
{

struct Column {
	AttrNumber number;
	ValueType value;
	const char *name;
	int name_length;
};

/// The columns of a row type that belong in its image, in the order in which jsonb stores keys.
struct ColumnSet {
	int count;
	Column *columns;
	bool uses_settings; // some output depends on DateStyle and the like
	bool has_nested;    // some value is taken apart with the help of catalogues, to be let go when that fails
	ShapeName *names;   // the columns'
	mutable KnownShape shape;
};

/// Allocates in the current context. `excluded`, if given, tells by attribute number - 1.
ColumnSet make_column_set(TupleDesc descriptor, const bool *excluded);

/// Builds, in `target`, an object of those columns of `set` for which `pick` (by index into set.columns; NULL: all) says so.
/// Never raises an error because of a value: what is missing, has no JSON form, or is too large for one, is left out, and its
/// name is added to *omitted (text[], made in `target`; untouched otherwise).
Jsonb *build_image(
	const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target, ArrayType **omitted);

/// The same as the log stores it (row_image.hpp).
varlena *pack_image(
	const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target, ArrayType **omitted);

} // namespace lockstep

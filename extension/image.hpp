// Row images: a row as jsonb, the same whatever the writer's session has set.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// How a column's value becomes JSON.
enum class ColumnKind : uint8 {
	boolean,
	int2,
	int4,
	int8,
	floating, // a number; NaN and infinity as strings
	numeric,  // likewise
	text,     // a string, byte for byte
	json,     // a string: the exact text, which jsonb could not keep
	jsonb,
	datetime, // ISO 8601; timestamptz and timetz in UTC
	nested,   // arrays and composite types, as to_jsonb() has them
	other     // the type's text form, as a string
};

struct Column {
	AttrNumber number;
	ColumnKind kind;
	Oid type; // base type of a domain
	JsonbValue name;
	FmgrInfo output; // other: the output function; floating: likewise; nested: to_jsonb
};

/// The columns of a row type that belong in its image, in the order in which jsonb stores keys.
struct ColumnSet {
	int count;
	Column *columns;
	bool uses_settings; // some output depends on DateStyle and the like
	bool has_nested;    // some output runs code that may hold resources when it fails
};

/// Allocates in the current context. `excluded`, if given, tells by attribute number - 1.
ColumnSet make_column_set(TupleDesc descriptor, const bool *excluded);

/// Builds an object of those columns of `set` for which `pick` (by index into set.columns; NULL: all) says so. `values` and
/// `nulls` are by attribute number - 1. The result is in `target`. Never raises an error because of a value: what has no
/// JSON form, or is too large for one, is left out, and its name is added to *omitted (text[], made in `target`; untouched otherwise).
Jsonb *build_image(const ColumnSet &set, const Datum *values, const bool *nulls, const bool *pick,
	MemoryContext target, ArrayType **omitted);

} // namespace lockstep

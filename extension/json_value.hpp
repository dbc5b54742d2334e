// One value as JSON, the same whatever the session has set (see OutputSettings in image.cpp).
#pragma once

#include "jsonb_object.hpp"
#include "pg/server.hpp"
#include "row_image.hpp"

namespace lockstep
{

/// How a value becomes JSON.
enum class ColumnKind : uint8 {
	boolean,
	int2,
	int4,
	int8,
	floating, // a number; NaN and infinity as strings
	numeric,  // likewise
	money,    // a number with two decimals, whatever lc_monetary says
	text,     // a string, byte for byte
	json,     // a string: the exact text, which jsonb could not keep
	jsonb,
	datetime,    // ISO 8601; timestamptz and timetz in UTC
	object_name, // regclass and the like: a string, with the schema
	array,
	composite, // an object
	other      // the type's text form, as a string
};

/// How the values of a type become JSON. No user's code runs here, as a cast to json would: it could change tables in the middle of a
/// trigger, and its errors could not be caught without a sub-transaction.
struct ValueType {
	ColumnKind kind;
	Oid type;           // base type of a domain
	FmgrInfo output;    // other and floating: the output function
	ValueType *element; // array
};

/// Allocates in the current context.
ValueType make_value_type(Oid type);

/// Does the JSON of such a value depend on DateStyle and the like?
bool depends_on_settings(const ValueType &type);

/// A value that is not NULL, as it stands in a jsonb object. Points into the datum or into what it allocates in the current
/// context; leaves both to the caller. Raises an error where the value is too large.
JsonbPart encode_value(ValueType &type, Datum datum);

/// Adds the same value to an image.
void add_value(ImageWriter &image, ValueType &type, Datum datum);

/// What write_numeric() writes at most.
constexpr Size numeric_of_integer_size = 16;
/// Writes a numeric at `place`, which is aligned for an int32, and returns its size. As int64_to_numeric() makes it, byte for byte, at a
/// fifth of the cost: digits to the base of 10,000 behind a short header, the way numbers stand in every table.
Size write_numeric(int64 number, char *place);

} // namespace lockstep

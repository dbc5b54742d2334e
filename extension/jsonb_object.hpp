// Writes a jsonb object in the form in which the server stores it, without the tree that jsonb's own builder makes first.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// A value as it stands in a jsonb object.
struct JsonbPart {
	JEntry type;      // JENTRY_ISSTRING, JENTRY_ISNUMERIC, JENTRY_ISBOOL_TRUE and so on, without a length
	const char *data; // NULL for null, true and false
	Size size;
};

/// A string, a number, true, false, null or, in its binary form, an array or an object. Points into `value`.
JsonbPart jsonb_part(const JsonbValue &value);
/// An array or object that pushJsonbValue() has built, or a scalar. Allocates in the current context.
JsonbPart jsonb_part_of_tree(JsonbValue *tree);

/// One member of an object.
struct JsonbMember {
	const char *name;
	int name_length;
	JsonbPart value;
};

/// The object with these members, which must stand in jsonb's order (shorter names first, then bytewise) and have distinct names. It is
/// what the server would make of them, byte for byte. Allocates in the current context. Raises
/// ERRCODE_PROGRAM_LIMIT_EXCEEDED where the object would be larger than jsonb can be.
Jsonb *write_jsonb_object(const JsonbMember *members, int count);

} // namespace lockstep

// Are two values of a column the same?
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// As datum_image_eq(), but values that are stored out of line or compressed are not fetched where they are plainly the same: an UPDATE
/// that leaves a large value alone hands over the same pointer twice.
inline bool same_value(Datum one, Datum other, Form_pg_attribute attribute)
{
	if (attribute->attbyval)
		return one == other;
	if (attribute->attlen == -1) {
		const auto *left = DatumGetPointer(one), *right = DatumGetPointer(other);
		const Size size = VARSIZE_ANY(left);
		if (size == VARSIZE_ANY(right) && memcmp(left, right, size) == 0)
			return true;
	}
	return datum_image_eq(one, other, false, attribute->attlen);
}

} // namespace lockstep

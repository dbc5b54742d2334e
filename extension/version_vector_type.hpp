// The SQL type lockstep.version_vector: a varlena of the bytes that core/version_vector.hpp packs, without any alignment.
#pragma once

#include "core/version_vector.hpp"

#include "pg/server.hpp"

namespace lockstep
{

inline std::string_view packed_of(const varlena *vector)
{
	return {VARDATA_ANY(vector), VARSIZE_ANY_EXHDR(vector)};
}

/// An argument that is a vector; detoasted, but where it is short or as it is, not copied.
inline varlena *vector_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(number));
}

/// Palloc'd room for a vector of at most `bound` bytes, which begin at VARDATA(room).
inline varlena *vector_room(Size bound)
{
	return static_cast<varlena *>(palloc(VARHDRSZ + bound));
}

/// Makes the room a vector that ends at `end`.
inline Datum vector_datum(varlena *room, const char *end)
{
	SET_VARSIZE(room, end - reinterpret_cast<char *>(room));
	return PointerGetDatum(room);
}

/// Raises what a vector cannot be for its size: the fault is one of these two.
[[noreturn]] void raise_vector_limit(core::VectorFault fault, std::string_view node);

/// For ereport(): the DETAIL of any other fault, if there is more to say than that it is none.
int vector_fault_detail(core::VectorFault fault, std::string_view node);

} // namespace lockstep

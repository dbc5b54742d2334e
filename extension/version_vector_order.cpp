// lockstep.version_vector: comparing, hashing, merge() and advance().

#include "core/version_vector.hpp"

#include "pg/server.hpp"
#include "version_vector_type.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_eq)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_ne)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_le)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_lt)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_ge)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_gt)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_is_concurrent)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_compare)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_sort_le)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_sort_lt)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_sort_ge)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_sort_gt)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_sort_order)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_hash)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_hash_extended)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_merge)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_advance)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_counter)

namespace lockstep
{

namespace
{

/// judge(one, other) of the two arguments. Leaves nothing allocated: btree and hash call it without end in one memory context.
template <class Judge> auto judge_arguments(FunctionCallInfo fcinfo, Judge judge)
{
	varlena *one = vector_argument(fcinfo, 0);
	varlena *other = vector_argument(fcinfo, 1);
	const auto result = judge(packed_of(one), packed_of(other));
	PG_FREE_IF_COPY(one, 0);
	PG_FREE_IF_COPY(other, 1);
	return result;
}

core::Causality compare_arguments(FunctionCallInfo fcinfo)
{
	return judge_arguments(fcinfo, core::compare);
}

int sort_arguments(FunctionCallInfo fcinfo)
{
	return judge_arguments(fcinfo, core::sort_order);
}

/// Equal vectors are equal bytes.
bool arguments_are_equal(FunctionCallInfo fcinfo)
{
	return judge_arguments(fcinfo, [](std::string_view one, std::string_view other) { return one == other; });
}

} // namespace

} // namespace lockstep

using namespace lockstep;
using core::Causality;

extern "C" Datum lockstep_version_vector_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_are_equal(fcinfo));
}

extern "C" Datum lockstep_version_vector_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!arguments_are_equal(fcinfo));
}

extern "C" Datum lockstep_version_vector_le(PG_FUNCTION_ARGS)
{
	const Causality causality = compare_arguments(fcinfo);
	PG_RETURN_BOOL(causality == Causality::before || causality == Causality::equal);
}

extern "C" Datum lockstep_version_vector_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == Causality::before);
}

extern "C" Datum lockstep_version_vector_ge(PG_FUNCTION_ARGS)
{
	const Causality causality = compare_arguments(fcinfo);
	PG_RETURN_BOOL(causality == Causality::after || causality == Causality::equal);
}

extern "C" Datum lockstep_version_vector_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == Causality::after);
}

/// lockstep.is_concurrent(version_vector, version_vector) → boolean
extern "C" Datum lockstep_version_vector_is_concurrent(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == Causality::concurrent);
}

/// lockstep.compare(version_vector, version_vector) → text
extern "C" Datum lockstep_version_vector_compare(PG_FUNCTION_ARGS)
{
	const char *word = nullptr;
	switch (compare_arguments(fcinfo)) {
	case Causality::before:
		word = "before";
		break;
	case Causality::equal:
		word = "equal";
		break;
	case Causality::after:
		word = "after";
		break;
	case Causality::concurrent:
		word = "concurrent";
		break;
	}
	PG_RETURN_TEXT_P(cstring_to_text(word));
}

extern "C" Datum lockstep_version_vector_sort_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sort_arguments(fcinfo) <= 0);
}

extern "C" Datum lockstep_version_vector_sort_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sort_arguments(fcinfo) < 0);
}

extern "C" Datum lockstep_version_vector_sort_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sort_arguments(fcinfo) >= 0);
}

extern "C" Datum lockstep_version_vector_sort_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sort_arguments(fcinfo) > 0);
}

extern "C" Datum lockstep_version_vector_sort_order(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(sort_arguments(fcinfo));
}

extern "C" Datum lockstep_version_vector_hash(PG_FUNCTION_ARGS)
{
	varlena *vector = vector_argument(fcinfo, 0);
	const auto *bytes = reinterpret_cast<const unsigned char *>(VARDATA_ANY(vector));
	const uint32 hash = hash_bytes(bytes, static_cast<int>(VARSIZE_ANY_EXHDR(vector)));
	PG_FREE_IF_COPY(vector, 0);
	PG_RETURN_UINT32(hash);
}

extern "C" Datum lockstep_version_vector_hash_extended(PG_FUNCTION_ARGS)
{
	varlena *vector = vector_argument(fcinfo, 0);
	const auto *bytes = reinterpret_cast<const unsigned char *>(VARDATA_ANY(vector));
	const uint64 hash =
		hash_bytes_extended(bytes, static_cast<int>(VARSIZE_ANY_EXHDR(vector)), PG_GETARG_INT64(1));
	PG_FREE_IF_COPY(vector, 0);
	PG_RETURN_UINT64(hash);
}

/// lockstep.merge(version_vector, version_vector) → version_vector
extern "C" Datum lockstep_version_vector_merge(PG_FUNCTION_ARGS)
{
	const std::string_view one = packed_of(vector_argument(fcinfo, 0));
	const std::string_view other = packed_of(vector_argument(fcinfo, 1));
	varlena *room = vector_room(one.size() + other.size());
	const core::PackedVector merged = core::merge(one, other, VARDATA(room));
	if (merged.fault != core::VectorFault::none)
		raise_vector_limit(merged.fault, merged.node);
	return vector_datum(room, merged.end);
}

/// lockstep.advance(version_vector, text) → version_vector
extern "C" Datum lockstep_version_vector_advance(PG_FUNCTION_ARGS)
{
	const std::string_view vector = packed_of(vector_argument(fcinfo, 0));
	const std::string_view node = packed_of(PG_GETARG_TEXT_PP(1));
	varlena *room = vector_room(vector.size() + core::packed_bound(core::max_node_bytes));
	const core::PackedVector advanced = core::advance(vector, node, VARDATA(room));
	if (advanced.fault == core::VectorFault::bad_node)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid node name: \"%.*s\"", static_cast<int>(node.size()), node.data()),
			vector_fault_detail(advanced.fault, node));
	if (advanced.fault != core::VectorFault::none)
		raise_vector_limit(advanced.fault, advanced.node);
	return vector_datum(room, advanced.end);
}

/// lockstep.counter(version_vector, text) → bigint
extern "C" Datum lockstep_version_vector_counter(PG_FUNCTION_ARGS)
{
	const std::string_view vector = packed_of(vector_argument(fcinfo, 0));
	PG_RETURN_INT64(core::counter_of(vector, packed_of(PG_GETARG_TEXT_PP(1))));
}

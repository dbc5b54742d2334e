// The messages of a refused write: what happened, by whom, and what to do now.
#pragma once

#include "pg/server.hpp"
#include "relation_info.hpp"

namespace lockstep
{

/// Raises LS001: the writer saw version `expected`, the row is at `current`. DETAIL is JSON; see docs/sql.md.
[[noreturn]] void report_stale_version(
	const RelationInfo &info, TriggerData *trigger, int64 expected, int64 current);

/// Raises LS005: `given` is neither the row's version nor the next one.
[[noreturn]] void report_impossible_version(
	const RelationInfo &info, TriggerData *trigger, int64 given, int64 current);

} // namespace lockstep

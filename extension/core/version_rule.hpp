// What an UPDATE that reaches a tracked row means for the row's version: the table in docs/sql.md, "Row versions".
//
// Pure, so that every cell of that table is tested without a server.
#pragma once

#include <cstdint>

namespace lockstep::core
{

/// What an UPDATE says about the version column.
struct VersionClaim {
	bool mentioned = false; // is the column in the SET list?
	bool is_null = false;   // … set to NULL: says as much as not mentioning it
	std::int64_t value = 0;
};

enum class Verdict {
	keep,       // nothing changes: the version stays
	advance,    // the row gets the next version
	accept,     // the writer counted by itself: its value is the next version
	stale,      // the writer saw an older version: a conflict
	impossible, // a version that never was
};

/// Judges an update of a row at version `current`. `effective`: does it change any column but the version?
constexpr Verdict judge(std::int64_t current, VersionClaim claim, bool effective)
{
	const bool claims = claim.mentioned && !claim.is_null;
	if (claims && claim.value < current)
		return Verdict::stale;
	// `value - 1` cannot underflow here: value > current. `current + 1` could overflow.
	if (claims && claim.value > current)
		return claim.value - 1 == current ? Verdict::accept : Verdict::impossible;
	return effective ? Verdict::advance : Verdict::keep;
}

} // namespace lockstep::core

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace lockstep::hub
{

constexpr std::int64_t moment_infinity = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t moment_minus_infinity = std::numeric_limits<std::int64_t>::min();

/// Microseconds since 1970 of a date or timestamp in the ISO 8601 form in which PostgreSQL puts it into JSON
/// ("2026-11-20", "2026-11-20T10:00:00.12", "…+00:00", "… BC", "infinity"). A zone, where given, is subtracted.
/// Nothing where the text is none of these.
std::optional<std::int64_t> parse_moment(std::string_view text);

} // namespace lockstep::hub

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace lockstep::hub
{

constexpr std::int64_t moment_infinity = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t moment_minus_infinity = std::numeric_limits<std::int64_t>::min();

constexpr std::int64_t moment_epoch = 946'684'800'000'000; // 2000-01-01, in microseconds since 1970

enum class MomentUnit : std::uint8_t { days, microseconds };

/// Microseconds (of a date: or days) since 2000, as PostgreSQL counts them, so that all it can hold fits: of a date or timestamp in the ISO 8601 form in which PostgreSQL puts it into JSON
/// ("2026-11-20", "2026-11-20T10:00:00.12", "…+00:00", "… BC", "infinity"). A zone, where given, is subtracted.
/// Nothing where the text is none of these.
std::optional<std::int64_t> parse_moment(std::string_view text, MomentUnit unit = MomentUnit::microseconds);

} // namespace lockstep::hub

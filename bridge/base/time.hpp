// Points in time as people and programs read them.
#pragma once

#include <chrono>
#include <string>

namespace lockstep
{

/// ISO 8601 in UTC with milliseconds: 2026-11-21T07:22:11.578Z.
std::string iso_time(std::chrono::system_clock::time_point time);

} // namespace lockstep

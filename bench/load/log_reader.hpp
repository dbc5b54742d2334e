// How fast one reader gets through a log, page by page.
#pragma once

#include <cstdint>
#include <string>

namespace lockstep::bench
{

struct Reading {
	std::uint64_t rows = 0;
	std::uint64_t pages = 0; // the last, empty one included
	std::uint64_t bytes = 0; // of values, as text
	double seconds = 0;
};

/// Runs `statement`, whose only parameter is the place after which to read, again and again until it returns no rows. The next
/// place is the last value of the column `place_column` that is not NULL. Returns what went wrong, or nothing.
std::string read_log(const std::string &db, const std::string &statement, const std::string &place_column,
	std::string place, Reading &reading);

} // namespace lockstep::bench

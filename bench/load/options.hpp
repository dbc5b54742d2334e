// The command line of bench-load; main.cpp shows it.
#pragma once

#include "connection.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace lockstep::bench
{

struct Options {
	enum class Mode { latency, saturate, idle, read };

	Mode mode = Mode::latency;
	std::string db;
	Target target;
	std::size_t clients = 0;
	std::size_t threads = 1;
	std::size_t writers = 1;
	std::size_t changes = 1; // of a transaction
	double rate = 0;         // changes/s
	std::size_t window = 0;  // changes
	double seconds = 0;
	double warmup = 3;
	std::string statement;
	std::string since;
	std::string place_column;
};

/// Returns what is wrong, or nothing.
std::string parse_options(const std::vector<std::string> &arguments, Options &options);

} // namespace lockstep::bench

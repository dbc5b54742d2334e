// Structured logs: one line of logfmt per event, on standard error.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace lockstep::log
{

enum class Level { debug, info, warn, error };

void set_level(Level level);

/// key=value; numbers as they are, text quoted where it has to be.
struct Field {
	std::string_view key;
	std::string value;

	Field(std::string_view name, std::string_view text) : key(name), value(text) {}
	Field(std::string_view name, const std::string &text) : key(name), value(text) {}
	Field(std::string_view name, const char *text) : key(name), value(text) {}
	Field(std::string_view name, std::integral auto number) : key(name), value(std::to_string(number)) {}
};

namespace detail
{
bool enabled(Level level);
void append(std::string &line, const Field &field);
std::string begin(Level level, std::string_view message);
void write(std::string line);
} // namespace detail

/// Thread-safe: a line is written by one call.
template <class... Fields> void write(Level level, std::string_view message, const Fields &...fields)
{
	if (!detail::enabled(level))
		return;
	std::string line = detail::begin(level, message);
	(detail::append(line, fields), ...);
	detail::write(std::move(line));
}

template <class... Fields> void debug(std::string_view message, const Fields &...fields)
{
	write(Level::debug, message, fields...);
}
template <class... Fields> void info(std::string_view message, const Fields &...fields)
{
	write(Level::info, message, fields...);
}
template <class... Fields> void warn(std::string_view message, const Fields &...fields)
{
	write(Level::warn, message, fields...);
}
template <class... Fields> void error(std::string_view message, const Fields &...fields)
{
	write(Level::error, message, fields...);
}

} // namespace lockstep::log

#include "base/log.hpp"

#include "base/time.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>

namespace lockstep::log
{
namespace
{

std::atomic<Level> threshold{Level::info};

void append_value(std::string &line, std::string_view value)
{
	const bool plain = !value.empty() && value.find_first_of(" \"=\\\n\r\t") == std::string_view::npos;
	if (plain) {
		line += value;
		return;
	}
	line += '"';
	for (const char c : value) {
		if (c == '"' || c == '\\') {
			line += '\\';
			line += c;
		} else if (c == '\n') {
			line += "\\n";
		} else if (c == '\r') {
			line += "\\r";
		} else if (c == '\t') {
			line += "\\t";
		} else if (static_cast<unsigned char>(c) < 0x20) {
			line += '?';
		} else {
			line += c;
		}
	}
	line += '"';
}

} // namespace

void set_level(Level level)
{
	threshold = level;
}

namespace detail
{

bool enabled(Level level)
{
	return level >= threshold.load(std::memory_order_relaxed);
}

std::string begin(Level level, std::string_view message)
{
	static constexpr const char *names[] = {"debug", "info", "warn", "error"};
	std::string line = "ts=" + iso_time(std::chrono::system_clock::now()) +
		" level=" + names[static_cast<int>(level)] + " msg=";
	append_value(line, message);
	return line;
}

void append(std::string &line, const Field &field)
{
	line += ' ';
	line += field.key;
	line += '=';
	append_value(line, field.value);
}

void write(std::string line)
{
	line += '\n';
	std::string_view rest = line;
	while (!rest.empty()) {
		const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return; // nowhere left to say so
		rest.remove_prefix(static_cast<std::size_t>(written));
	}
}

} // namespace detail
} // namespace lockstep::log

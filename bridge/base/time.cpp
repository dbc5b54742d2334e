#include "base/time.hpp"

#include <cstdio>
#include <ctime>

namespace lockstep
{

std::string iso_time(std::chrono::system_clock::time_point time)
{
	const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
	const auto millis =
		std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
	std::tm parts{};
	gmtime_r(&seconds, &parts);
	char buffer[40];
	const std::size_t length = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
	std::snprintf(buffer + length, sizeof buffer - length, ".%03dZ", static_cast<int>(millis));
	return buffer;
}

} // namespace lockstep

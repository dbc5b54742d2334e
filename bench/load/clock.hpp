// One clock for writer and readers: CLOCK_MONOTONIC, in nanoseconds.
#pragma once

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace lockstep::bench
{

inline std::int64_t read_clock(clockid_t clock)
{
	timespec time{};
	clock_gettime(clock, &time);
	return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t now_ns()
{
	return read_clock(CLOCK_MONOTONIC);
}

inline void sleep_until(std::int64_t due_ns)
{
	const timespec until{.tv_sec = due_ns / 1'000'000'000, .tv_nsec = due_ns % 1'000'000'000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
	}
}

} // namespace lockstep::bench

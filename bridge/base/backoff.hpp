#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace lockstep
{

/// Pauses between attempts: uniformly random below a limit that doubles (full jitter), so that many bridges do not
/// come back at once. Not thread-safe.
class Backoff {
public:
	using Duration = std::chrono::milliseconds;

	Backoff(Duration first, Duration longest) : first_(first), longest_(longest), limit_(first) {}

	Duration next()
	{
		std::uniform_int_distribution<Duration::rep> pick(first_.count() / 4, limit_.count());
		limit_ = std::min(limit_ * 2, longest_);
		return Duration(pick(random_));
	}
	void reset() { limit_ = first_; }

private:
	Duration first_;
	Duration longest_;
	Duration limit_;
	std::mt19937_64 random_{std::random_device{}()};
};

} // namespace lockstep

// What /metrics tells, in Prometheus' text form.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace lockstep
{

/// Counts observations in buckets of seconds. Thread-safe.
class Histogram {
public:
	static constexpr std::array<double, 12> bounds = {
		0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
	void observe(double seconds);
	void append(std::string &out, std::string_view name, std::string_view help) const;

private:
	std::array<std::atomic<std::uint64_t>, bounds.size() + 1> counts_{}; // the last: beyond all bounds
	std::atomic<std::uint64_t> sum_micros_{0};
};

/// The bridge's counters and gauges. Thread-safe; one object for the process, handed to who counts.
class Metrics {
public:
	using Count = std::atomic<std::uint64_t>;
	using Gauge = std::atomic<std::int64_t>;

	Gauge clients{0};
	Gauge subscriptions{0};
	Gauge queue_bytes{0};
	Gauge database_up{0};
	Count connections{0};
	Count changes{0};
	Count transactions{0};
	Count frames_built{0};
	Count frames_sent{0};
	Count bytes_sent{0};
	Count behind{0};
	Count refetches{0};
	Count snapshots{0};
	Count snapshot_rows{0};
	Count database_reconnects{0};
	Count writes{0};
	Count conflicts{0};
	Histogram feed_lag;

	void count_error(const std::string &code);
	std::string text() const;

private:
	mutable std::mutex mutex_;
	std::map<std::string, std::uint64_t> errors_;
};

} // namespace lockstep

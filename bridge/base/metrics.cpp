#include "base/metrics.hpp"

#include <charconv>

namespace lockstep
{
namespace
{

std::string number(double value)
{
	std::array<char, 32> buffer{};
	const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
	return {buffer.data(), end};
}

void head(std::string &out, std::string_view name, std::string_view type, std::string_view help)
{
	out.append("# HELP ").append(name).append(" ").append(help).append("\n");
	out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

template <class Value>
void single(
	std::string &out, std::string_view name, std::string_view type, const Value &value, std::string_view help)
{
	head(out, name, type, help);
	out.append(name).append(" ").append(std::to_string(value.load(std::memory_order_relaxed))).append("\n");
}

} // namespace

void Histogram::observe(double seconds)
{
	std::size_t bucket = 0;
	while (bucket < bounds.size() && seconds > bounds[bucket])
		++bucket;
	counts_[bucket].fetch_add(1, std::memory_order_relaxed);
	if (seconds > 0)
		sum_micros_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

void Histogram::append(std::string &out, std::string_view name, std::string_view help) const
{
	head(out, name, "histogram", help);
	std::uint64_t total = 0;
	for (std::size_t i = 0; i <= bounds.size(); ++i) {
		total += counts_[i].load(std::memory_order_relaxed);
		out.append(name).append("_bucket{le=\"").append(i < bounds.size() ? number(bounds[i]) : "+Inf");
		out.append("\"} ").append(std::to_string(total)).append("\n");
	}
	out.append(name)
		.append("_sum ")
		.append(number(static_cast<double>(sum_micros_.load()) / 1e6))
		.append("\n");
	out.append(name).append("_count ").append(std::to_string(total)).append("\n");
}

void Metrics::count_error(const std::string &code)
{
	const std::lock_guard lock(mutex_);
	++errors_[code];
}

std::string Metrics::text() const
{
	std::string out;
	single(out, "lockstep_bridge_clients", "gauge", clients, "WebSocket sessions that are open.");
	single(out, "lockstep_bridge_connections_total", "counter", connections,
		"WebSocket sessions opened so far.");
	single(out, "lockstep_bridge_subscriptions", "gauge", subscriptions, "Distinct subscriptions.");
	single(
		out, "lockstep_bridge_queue_bytes", "gauge", queue_bytes, "Bytes that wait in the sessions' queues.");
	single(out, "lockstep_bridge_database_up", "gauge", database_up, "1 while the feed is connected.");
	single(out, "lockstep_bridge_changes_total", "counter", changes, "Row changes read from the log.");
	single(out, "lockstep_bridge_transactions_total", "counter", transactions,
		"Transactions read from the log.");
	single(out, "lockstep_bridge_frames_built_total", "counter", frames_built,
		"Frames of changes encoded, each for all sessions of a subscription.");
	single(out, "lockstep_bridge_frames_sent_total", "counter", frames_sent, "Frames written to sockets.");
	single(out, "lockstep_bridge_bytes_sent_total", "counter", bytes_sent,
		"Bytes written to WebSocket connections.");
	single(out, "lockstep_bridge_behind_total", "counter", behind,
		"Times a session's queue was dropped because it was slow.");
	single(out, "lockstep_bridge_refetches_total", "counter", refetches,
		"Times a client was told to fetch anew.");
	single(out, "lockstep_bridge_snapshots_total", "counter", snapshots, "Snapshots completed.");
	single(out, "lockstep_bridge_snapshot_rows_total", "counter", snapshot_rows, "Rows sent in snapshots.");
	single(out, "lockstep_bridge_database_reconnects_total", "counter", database_reconnects,
		"Times the feed's connection was lost.");
	single(out, "lockstep_bridge_writes_total", "counter", writes, "Write requests committed.");
	single(
		out, "lockstep_bridge_conflicts_total", "counter", conflicts, "Write requests refused with LS001.");
	feed_lag.append(out, "lockstep_bridge_feed_lag_seconds",
		"Time from a change's timestamp in the log until its frames were handed out.");
	head(out, "lockstep_bridge_errors_total", "counter", "Errors answered to clients, by code.");
	const std::lock_guard lock(mutex_);
	for (const auto &[code, count] : errors_)
		out.append("lockstep_bridge_errors_total{code=\"")
			.append(code)
			.append("\"} ")
			.append(std::to_string(count))
			.append("\n");
	return out;
}

} // namespace lockstep

// What one client has received, and whether that is all.
#pragma once

#include "message.hpp"

#include <cstdint>

namespace lockstep::bench
{

/// What was written in the measured time: for the comparison with what each client received.
struct Sent {
	std::uint64_t changes = 0;
	std::uint64_t stamp_sum = 0; // of the stamps, modulo 2^64
};

/// Changes with a stamp before `first_measured_ns` are warm-up: they count in `all_changes` only.
struct Receipt {
	std::uint64_t all_changes = 0;
	std::uint64_t changes = 0;
	std::uint64_t stamp_sum = 0;
	std::uint64_t frames = 0; // that held a measured change
	std::uint64_t bytes = 0;  // of those frames' payloads
	std::uint64_t coalesced = 0;
	bool behind = false; // the bridge said so, at some time
	std::int64_t marker_ns = 0;

	/// Counts a `changes` message of `size` bytes that came at `now_ns`; calls `on_delivery(stamp)` for each measured change.
	template <class OnDelivery>
	void take(const Message &message, std::size_t size, std::int64_t now_ns, std::int64_t first_measured_ns,
		OnDelivery &&on_delivery)
	{
		if (message.marker)
			marker_ns = now_ns;
		if (message.coalesced) {
			coalesced += message.stamps.size();
			return;
		}
		bool measured = false;
		for (const std::int64_t stamp : message.stamps) {
			++all_changes;
			if (stamp < first_measured_ns)
				continue;
			measured = true;
			++changes;
			stamp_sum += static_cast<std::uint64_t>(stamp);
			on_delivery(stamp);
		}
		if (measured) {
			++frames;
			bytes += size;
		}
	}

	/// Each change exactly once. A client that was sent coalesced changes cannot know.
	bool complete(const Sent &sent) const
	{
		return coalesced == 0 && changes == sent.changes && stamp_sum == sent.stamp_sum;
	}
};

} // namespace lockstep::bench

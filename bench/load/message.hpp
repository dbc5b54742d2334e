// What the load client wants to know of a message of the bridge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::bench
{

/// A row with this in sent_ns is the marker: the last change of a run.
constexpr std::int64_t marker_stamp = -1;

struct Message {
	enum class Type { malformed, welcome, subscribed, snapshot, changes, behind, refetch, error, other };

	Type type = Type::malformed;
	bool last = false;                // of a snapshot: its last piece
	bool coalesced = false;           // of changes: not each change, but the latest state of each row
	bool marker = false;              // one of the changes is the marker
	std::vector<std::int64_t> stamps; // sent_ns of each change that has a row, the marker left out
};

/// Understands one text message. A change without a number in sent_ns makes it malformed; so does what is no JSON object.
Message understand(std::string_view text);

/// The last few messages, understood. Clients that share a subscription receive the very same bytes: each is parsed for the
/// first of them, and compared for the others.
/// Not thread-safe: one for each loop.
class MessageMemory {
public:
	/// `place` is the caller's own memory of where it stands (0 at first): its next message is most likely the one after.
	/// The reference holds until the next call.
	const Message &look(std::string_view text, std::uint64_t &place);
	/// How many were parsed.
	std::uint64_t parsed() const { return parsed_; }

private:
	struct Entry {
		std::string text;
		Message message;
	};
	void forget_oldest();

	std::deque<Entry> entries_; // entries_[i] has the place first_ + i
	std::uint64_t first_ = 1;
	std::size_t bytes_ = 0;
	std::uint64_t parsed_ = 0;
};

} // namespace lockstep::bench

// Reading the frames of a WebSocket client (RFC 6455).
#pragma once

#include "wire/frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lockstep::wire
{

/// A whole message, or a control frame.
struct Incoming {
	Opcode opcode = Opcode::text; // text, binary, close, ping or pong
	std::string payload;          // of a close: the reason
	std::uint16_t code = 0;       // of a close; 1005 where the client named none
};

/// Why the connection must be closed.
struct Violation {
	std::uint16_t code = 0;
	const char *reason = "";
};

/// Puts a client's bytes, however they were cut on the way, together to messages.
/// Distinct objects: safe. Shared object: unsafe.
class FrameReader {
public:
	explicit FrameReader(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

	/// Appends what became whole to `out`. After a violation the reader takes nothing more.
	std::optional<Violation> feed(std::span<const char> bytes, std::vector<Incoming> &out);

private:
	std::optional<Violation> begin_frame();
	std::optional<Violation> end_frame(std::vector<Incoming> &out);
	std::size_t header_size() const;

	std::size_t max_message_bytes_;
	std::array<unsigned char, 14> header_{};
	std::size_t header_filled_ = 0;
	bool in_payload_ = false;
	std::uint64_t remaining_ = 0; // of the payload
	std::size_t mask_at_ = 0;
	std::array<unsigned char, 4> mask_{};
	Opcode opcode_ = Opcode::text; // of the frame
	bool final_ = false;
	bool fragmented_ = false; // a message has begun and not ended
	Opcode message_opcode_ = Opcode::text;
	std::string message_;
	std::string control_;
	std::optional<Violation> violation_;
};

} // namespace lockstep::wire

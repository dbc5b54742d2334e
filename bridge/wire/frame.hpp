// WebSocket frames as the bridge sends them: encoded once, then shared by every session that gets them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lockstep::wire
{

enum class Opcode : std::uint8_t {
	continuation = 0x0,
	text = 0x1,
	binary = 0x2,
	close = 0x8,
	ping = 0x9,
	pong = 0xA,
};

class Frame;
using FramePtr = std::shared_ptr<const Frame>;

/// One whole, unmasked frame: header and payload in one piece of memory. Immutable; safe to share between threads.
class Frame {
public:
	/// Room that a payload under construction leaves in front, for the longest header.
	static constexpr std::size_t header_room = 10;
	/// What a payload under construction begins with.
	static std::string room() { return std::string(header_room, '\0'); }

	/// `bytes` begins with room() and goes on with the payload.
	static FramePtr seal(std::string bytes, Opcode opcode = Opcode::text);
	static FramePtr text(std::string_view payload) { return copy(payload, Opcode::text); }
	static FramePtr control(Opcode opcode, std::string_view payload) { return copy(payload, opcode); }
	/// A close frame. `reason` is cut to what a control frame can hold.
	static FramePtr close(std::uint16_t code, std::string_view reason);

	std::string_view wire() const { return std::string_view(bytes_).substr(start_); }
	std::string_view payload() const { return std::string_view(bytes_).substr(header_room); }
	std::size_t size() const { return bytes_.size() - start_; }

private:
	Frame(std::string bytes, std::size_t start) : bytes_(std::move(bytes)), start_(start) {}
	static FramePtr copy(std::string_view payload, Opcode opcode);

	std::string bytes_;
	std::size_t start_;
};

} // namespace lockstep::wire

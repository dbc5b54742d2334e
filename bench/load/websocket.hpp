// The client's half of RFC 6455, as little as a load generator needs: no extensions, no fragmented sends.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace lockstep::bench
{

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// A masked frame. The mask must be there, and need not be random: no proxy is to be fooled here.
inline std::string client_frame(Opcode opcode, std::string_view payload)
{
	constexpr unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	std::string frame;
	frame.reserve(payload.size() + 14);
	frame.push_back(static_cast<char>(0x80 | static_cast<unsigned>(opcode)));
	const std::uint64_t size = payload.size();
	const unsigned length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
	frame.push_back(static_cast<char>(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127)));
	for (unsigned i = length_bytes; i > 0; --i)
		frame.push_back(static_cast<char>(size >> (8 * (i - 1))));
	frame.append(reinterpret_cast<const char *>(mask), 4);
	for (std::size_t i = 0; i < payload.size(); ++i)
		frame.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
	return frame;
}

/// Cuts a server's byte stream into frames. Fed with whatever recv() gave; keeps only an unfinished frame.
class FrameParser {
public:
	/// Calls `on_message(Opcode, std::string_view)` for each complete frame (messages in several frames are joined).
	/// The view is valid during the call. Returns false on a protocol violation.
	template <class OnMessage> bool feed(std::string_view bytes, OnMessage &&on_message)
	{
		if (pending_.empty())
			return consume(bytes, on_message);
		pending_.append(bytes);
		std::string joined = std::move(pending_);
		pending_.clear();
		return consume(joined, on_message);
	}

private:
	template <class OnMessage> bool consume(std::string_view bytes, OnMessage &on_message)
	{
		for (;;) {
			if (bytes.size() < 2)
				break;
			const auto first = static_cast<unsigned char>(bytes[0]);
			const auto second = static_cast<unsigned char>(bytes[1]);
			if ((first & 0x70) != 0 || (second & 0x80) != 0)
				return false; // an extension that was not negotiated, or a masked frame from a server
			std::size_t header = 2;
			std::uint64_t size = second & 0x7f;
			if (size >= 126) {
				const std::size_t length_bytes = size == 126 ? 2 : 8;
				header += length_bytes;
				if (bytes.size() < header)
					break;
				size = 0;
				for (std::size_t i = 2; i < header; ++i)
					size = size << 8 | static_cast<unsigned char>(bytes[i]);
			}
			if (bytes.size() - header < size)
				break;
			const std::string_view payload = bytes.substr(header, size);
			bytes.remove_prefix(header + size);
			if (!deliver(static_cast<Opcode>(first & 0x0f), (first & 0x80) != 0, payload, on_message))
				return false;
		}
		pending_.assign(bytes);
		return true;
	}

	template <class OnMessage>
	bool deliver(Opcode opcode, bool last, std::string_view payload, OnMessage &on_message)
	{
		if (opcode >= Opcode::close) {
			if (!last)
				return false; // control frames are never fragmented
			on_message(opcode, payload);
			return true;
		}
		if ((opcode == Opcode::continuation) != in_message_)
			return false; // the rest of nothing, or a message inside a message
		if (last && !in_message_) {
			on_message(opcode, payload);
			return true;
		}
		if (!in_message_)
			message_opcode_ = opcode;
		message_.append(payload);
		in_message_ = !last;
		if (last) {
			on_message(message_opcode_, message_);
			message_.clear();
		}
		return true;
	}

	bool in_message_ = false;
	Opcode message_opcode_ = Opcode::text;
	std::string pending_;
	std::string message_;
};

} // namespace lockstep::bench

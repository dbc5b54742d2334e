#include "wire/frame.hpp"

namespace lockstep::wire
{

FramePtr Frame::seal(std::string bytes, Opcode opcode)
{
	const std::uint64_t length = bytes.size() - header_room;
	const auto first = static_cast<char>(0x80U | static_cast<unsigned>(opcode)); // FIN: never fragmented
	std::size_t start = header_room;
	auto put_length = [&](int width) { // big endian, right before the payload
		for (int i = 0; i < width; ++i)
			bytes[--start] = static_cast<char>((length >> (8 * i)) & 0xFFU);
	};
	if (length < 126) {
		bytes[--start] = static_cast<char>(length);
	} else if (length <= 0xFFFF) {
		put_length(2);
		bytes[--start] = 126;
	} else {
		put_length(8);
		bytes[--start] = 127;
	}
	bytes[--start] = first;
	return FramePtr(new Frame(std::move(bytes), start));
}

FramePtr Frame::copy(std::string_view payload, Opcode opcode)
{
	std::string bytes;
	bytes.reserve(header_room + payload.size());
	bytes.append(header_room, '\0').append(payload);
	return seal(std::move(bytes), opcode);
}

FramePtr Frame::close(std::uint16_t code, std::string_view reason)
{
	std::string payload;
	payload += static_cast<char>(code >> 8);
	payload += static_cast<char>(code & 0xFF);
	payload.append(reason.substr(0, 123)); // our own reasons are ASCII: a cut cannot split a character
	return copy(payload, Opcode::close);
}

} // namespace lockstep::wire

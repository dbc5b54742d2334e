#include "wire/frame_reader.hpp"

#include "wire/utf8.hpp"

#include <algorithm>

namespace lockstep::wire
{
namespace
{

bool is_control(Opcode opcode)
{
	return (static_cast<unsigned>(opcode) & 0x8U) != 0;
}

bool is_known(unsigned opcode)
{
	return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

bool valid_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

} // namespace

std::size_t FrameReader::header_size() const
{
	if (header_filled_ < 2)
		return 2;
	const unsigned length = header_[1] & 0x7FU;
	const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
	const std::size_t mask = (header_[1] & 0x80U) != 0 ? 4 : 0;
	return 2 + extended + mask;
}

std::optional<Violation> FrameReader::begin_frame()
{
	const unsigned opcode = header_[0] & 0x0FU;
	if ((header_[0] & 0x70U) != 0)
		return Violation{1002, "reserved bits are set"};
	if (!is_known(opcode))
		return Violation{1002, "unknown opcode"};
	if ((header_[1] & 0x80U) == 0)
		return Violation{1002, "client frames must be masked"};
	opcode_ = static_cast<Opcode>(opcode);
	final_ = (header_[0] & 0x80U) != 0;

	std::uint64_t length = header_[1] & 0x7FU;
	const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
	if (extended != 0) {
		length = 0;
		for (std::size_t i = 0; i < extended; ++i)
			length = (length << 8) | header_[2 + i];
		if (length < 126 || (extended == 8 && length <= 0xFFFF) || (length >> 63) != 0)
			return Violation{1002, "invalid payload length"};
	}
	std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + extended), 4, mask_.begin());

	if (is_control(opcode_)) {
		if (!final_ || length > 125)
			return Violation{1002, "control frames must be whole and short"};
		control_.clear();
	} else {
		if (fragmented_ != (opcode_ == Opcode::continuation))
			return Violation{1002, fragmented_ ? "the message before is unfinished" : "nothing to continue"};
		if (length > max_message_bytes_ - message_.size())
			return Violation{1009, "message too large"};
		if (opcode_ != Opcode::continuation)
			message_opcode_ = opcode_;
		fragmented_ = true;
	}
	remaining_ = length;
	mask_at_ = 0;
	in_payload_ = true;
	return std::nullopt;
}

std::optional<Violation> FrameReader::end_frame(std::vector<Incoming> &out)
{
	in_payload_ = false;
	header_filled_ = 0;
	if (!is_control(opcode_)) {
		if (!final_)
			return std::nullopt;
		fragmented_ = false;
		if (message_opcode_ == Opcode::text && !valid_utf8(message_))
			return Violation{1007, "text is not valid UTF-8"};
		out.push_back({message_opcode_, std::move(message_), 0});
		message_.clear();
		return std::nullopt;
	}
	if (opcode_ != Opcode::close) {
		out.push_back({opcode_, std::move(control_), 0});
		control_.clear();
		return std::nullopt;
	}
	if (control_.empty()) {
		out.push_back({Opcode::close, {}, 1005});
		return std::nullopt;
	}
	if (control_.size() == 1)
		return Violation{1002, "invalid close frame"};
	const unsigned code =
		static_cast<unsigned char>(control_[0]) * 256U + static_cast<unsigned char>(control_[1]);
	if (!valid_close_code(code))
		return Violation{1002, "invalid close code"};
	std::string reason = control_.substr(2);
	if (!valid_utf8(reason))
		return Violation{1007, "close reason is not valid UTF-8"};
	out.push_back({Opcode::close, std::move(reason), static_cast<std::uint16_t>(code)});
	return std::nullopt;
}

std::optional<Violation> FrameReader::feed(std::span<const char> bytes, std::vector<Incoming> &out)
{
	while (!violation_) {
		if (!in_payload_) {
			const std::size_t size = header_size();
			if (header_filled_ < size) {
				if (bytes.empty())
					break;
				header_[header_filled_++] = static_cast<unsigned char>(bytes.front());
				bytes = bytes.subspan(1);
				continue;
			}
			violation_ = begin_frame();
			continue;
		}
		const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
		std::string &target = is_control(opcode_) ? control_ : message_;
		const std::size_t old_size = target.size();
		target.append(bytes.data(), take);
		for (std::size_t i = 0; i < take; ++i)
			target[old_size + i] =
				static_cast<char>(static_cast<unsigned char>(target[old_size + i]) ^ mask_[mask_at_++ & 3]);
		bytes = bytes.subspan(take);
		remaining_ -= take;
		if (remaining_ != 0)
			break;
		violation_ = end_frame(out);
	}
	return violation_;
}

} // namespace lockstep::wire

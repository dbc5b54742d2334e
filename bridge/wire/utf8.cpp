#include "wire/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace lockstep::wire
{

bool valid_utf8(std::string_view text)
{
	const auto *at = reinterpret_cast<const unsigned char *>(text.data());
	const auto *const end = at + text.size();
	auto continuation = [&](int offset, unsigned low = 0x80, unsigned high = 0xBF) {
		return end - at > offset && at[offset] >= low && at[offset] <= high;
	};
	while (at != end) {
		if (end - at >= 8) { // most text is ASCII: eight bytes at once
			std::uint64_t word;
			std::memcpy(&word, at, sizeof word);
			if ((word & 0x8080808080808080U) == 0) {
				at += 8;
				continue;
			}
		}
		const unsigned lead = *at;
		if (lead < 0x80) {
			at += 1;
		} else if (lead >= 0xC2 && lead <= 0xDF) {
			if (!continuation(1))
				return false;
			at += 2;
		} else if (lead >= 0xE0 && lead <= 0xEF) {
			const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
			const unsigned high = lead == 0xED ? 0x9F : 0xBF; // no surrogates
			if (!continuation(1, low, high) || !continuation(2))
				return false;
			at += 3;
		} else if (lead >= 0xF0 && lead <= 0xF4) {
			const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
			const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
			if (!continuation(1, low, high) || !continuation(2) || !continuation(3))
				return false;
			at += 4;
		} else {
			return false;
		}
	}
	return true;
}

} // namespace lockstep::wire

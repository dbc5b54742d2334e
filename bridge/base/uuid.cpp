#include "base/uuid.hpp"

#include <array>
#include <cstdint>
#include <random>

namespace lockstep
{

std::string random_uuid()
{
	thread_local std::random_device device;
	std::array<std::uint8_t, 16> bytes{};
	for (std::size_t i = 0; i < bytes.size(); i += 4) {
		const std::uint32_t word = device();
		for (std::size_t j = 0; j < 4; ++j)
			bytes[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
	}
	bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);
	bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
	static constexpr char hex[] = "0123456789abcdef";
	std::string out;
	for (std::size_t i = 0; i < bytes.size(); ++i) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out += '-';
		out += hex[bytes[i] >> 4U];
		out += hex[bytes[i] & 0xFU];
	}
	return out;
}

} // namespace lockstep

// Version vectors as others see them: the text form `{node:counter,…}`, and the bytes of the binary form.
//
// Pure, as version_vector.hpp. What reads takes any input; what it makes of it is checked by pack().
#pragma once

#include "core/version_vector.hpp"

#include <charconv>
#include <system_error>

namespace lockstep::core
{

/// What a function that reads a vector found: how many counters or, if it is none, what is wrong.
struct ReadVector {
	std::size_t count = 0;
	VectorFault fault = VectorFault::none;
	std::string_view node = {}; // to blame for the fault, if any is
};

// --- text ---

/// May the character stand in a name without quotes? Beyond ASCII all may: no server encoding has ASCII bytes in longer characters.
constexpr bool is_bare(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
		(letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '.' ||
		letter == '/' || letter == '@' || static_cast<unsigned char>(letter) >= 0x80;
}

constexpr bool is_blank(char letter)
{
	return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

/// An upper bound of the counters that a text of so many characters can hold, and that read_text() takes.
constexpr std::size_t text_counters_bound(std::size_t length)
{
	return std::min(length / 4 + 1, max_nodes); // a:1,
}

/// Reads the text form. `room` must have text_counters_bound() places; `names` room for all of the text: it takes the names that are quoted, and the
/// counters refer to it and to the text.
inline ReadVector read_text(std::string_view text, std::span<NodeCounter> room, char *names)
{
	const char *at = text.data();
	const char *const end = at + text.size();
	const auto skip_blanks = [&] { at = std::find_if_not(at, end, is_blank); };
	// Takes the letter and the blanks before and behind it.
	const auto take = [&](char letter) {
		skip_blanks();
		if (at == end || *at != letter)
			return false;
		++at;
		skip_blanks();
		return true;
	};
	const auto take_name = [&](std::string_view &node) {
		if (at == end || *at != '"') {
			const char *first = at;
			at = std::find_if_not(at, end, is_bare);
			node = {first, static_cast<std::size_t>(at - first)};
			return !node.empty();
		}
		const char *const first = names;
		for (++at; at != end && *at != '"'; *names++ = *at++)
			if (*at == '\\' && (++at == end || (*at != '"' && *at != '\\')))
				return false;
		node = {first, static_cast<std::size_t>(names - first)};
		return at != end && *at++ == '"';
	};

	ReadVector result;
	const auto failed = [&](VectorFault fault, std::string_view node = {}) {
		result.fault = fault;
		result.node = node;
		return result;
	};
	if (!take('{'))
		return failed(VectorFault::syntax);
	while (at == end || *at != '}' || result.count > 0) {
		if (result.count == room.size())
			return failed(VectorFault::too_many_nodes);
		NodeCounter &entry = room[result.count];
		if (!take_name(entry.node) || !take(':'))
			return failed(VectorFault::syntax);
		// from_chars would take a sign.
		if (at == end || *at < '0' || *at > '9')
			return failed(VectorFault::syntax);
		const auto [next, error] = std::from_chars(at, end, entry.counter);
		if (error != std::errc{})
			return failed(VectorFault::counter_out_of_range, entry.node);
		at = next;
		++result.count;
		if (!take(','))
			break;
	}
	if (!take('}') || at != end)
		return failed(VectorFault::syntax);
	return result;
}

/// An upper bound of the characters that write_text() writes.
inline std::size_t text_bound(std::string_view packed)
{
	std::size_t bound = 2;
	VectorReader reader(packed);
	for (NodeCounter entry; reader.next(entry);)
		bound += 2 * entry.node.size() + 2 + 1 + 19 + 1;
	return bound;
}

/// Writes the text form and returns its end. There must be room for text_bound() characters. Not terminated.
inline char *write_text(std::string_view packed, char *out)
{
	*out++ = '{';
	VectorReader reader(packed);
	bool first = true;
	for (NodeCounter entry; reader.next(entry); first = false) {
		if (!first)
			*out++ = ',';
		if (std::all_of(entry.node.begin(), entry.node.end(), is_bare)) {
			out = std::copy(entry.node.begin(), entry.node.end(), out);
		} else {
			*out++ = '"';
			for (char letter : entry.node) {
				if (letter == '"' || letter == '\\')
					*out++ = '\\';
				*out++ = letter;
			}
			*out++ = '"';
		}
		*out++ = ':';
		out = std::to_chars(out, out + 19, entry.counter).ptr;
	}
	*out++ = '}';
	return out;
}

// --- binary: the number of nodes, and for each the length of its name, the name, and the counter. Numbers are big-endian, of 4, 4 and 8 bytes. ---

namespace detail
{

template <class Number> char *put_number(Number value, char *out)
{
	for (unsigned shift = 8 * sizeof value; shift > 0;)
		*out++ = static_cast<char>(value >> (shift -= 8));
	return out;
}

template <class Number> bool take_number(std::string_view &bytes, Number &value)
{
	if (bytes.size() < sizeof value)
		return false;
	value = 0;
	for (std::size_t i = 0; i < sizeof value; ++i)
		value = static_cast<Number>(value << 8) | static_cast<unsigned char>(bytes[i]);
	bytes.remove_prefix(sizeof value);
	return true;
}

} // namespace detail

/// An upper bound of the counters that so many bytes can hold, and that read_binary() takes.
constexpr std::size_t binary_counters_bound(std::size_t size)
{
	return std::min(size / 12, max_nodes);
}

/// Reads the binary form. `room` must have binary_counters_bound() places; the counters refer to `bytes`.
inline ReadVector read_binary(std::string_view bytes, std::span<NodeCounter> room)
{
	std::uint32_t count;
	if (!detail::take_number(bytes, count) || count > bytes.size() / 12)
		return {0, VectorFault::syntax, {}};
	if (count > room.size())
		return {0, VectorFault::too_many_nodes, {}};
	for (NodeCounter &entry : room.first(count)) {
		std::uint32_t length;
		if (!detail::take_number(bytes, length) || length > bytes.size())
			return {0, VectorFault::syntax, {}};
		entry.node = bytes.substr(0, length);
		bytes.remove_prefix(length);
		std::uint64_t counter;
		if (!detail::take_number(bytes, counter))
			return {0, VectorFault::syntax, {}};
		entry.counter = static_cast<std::int64_t>(counter);
	}
	if (!bytes.empty())
		return {0, VectorFault::syntax, {}};
	return {count};
}

inline std::size_t binary_size(std::span<const NodeCounter> entries)
{
	std::size_t size = 4;
	for (const NodeCounter &entry : entries)
		size += 4 + entry.node.size() + 8;
	return size;
}

/// Writes the binary form, binary_size() bytes.
inline void write_binary(std::span<const NodeCounter> entries, char *out)
{
	out = detail::put_number(static_cast<std::uint32_t>(entries.size()), out);
	for (const NodeCounter &entry : entries) {
		out = detail::put_number(static_cast<std::uint32_t>(entry.node.size()), out);
		out = std::copy(entry.node.begin(), entry.node.end(), out);
		out = detail::put_number(static_cast<std::uint64_t>(entry.counter), out);
	}
}

} // namespace lockstep::core

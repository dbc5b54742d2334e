// The algebra of positions: which transactions has a reader seen?
//
// A position is a PostgreSQL snapshot (Transaction numbers in full 64 bits: nothing here wraps) and the identity of
// the database it was taken in. It sees every transaction below `xmax` that is not listed as running. The changes
// between two positions are those of the transactions that the second sees and the first does not.
//
// Pure: no allocation, no exceptions, no server headers. The extension and the bridge both use it.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <system_error>

namespace lockstep::core
{

using Xid = std::uint64_t;

/// Which life of which database transaction numbers belong to.
struct Identity {
	std::uint64_t system = 0;   // pg_control's system identifier
	std::uint32_t database = 0; // OID of the database
	std::uint32_t timeline = 0; // WAL timeline the position was taken on

	friend bool operator==(const Identity &, const Identity &) = default;
};

/// A position whose list of running transactions lives elsewhere. Invariant: `running` ascends strictly, lies in
/// [xmin, xmax), and xmin is its first element (xmax where it is empty).
struct PositionView {
	Identity identity;
	std::uint64_t lsn = 0; // everything the position sees was durable in the WAL up to here
	Xid xmin = 0;
	Xid xmax = 0;
	std::span<const Xid> running;
};

/// Did the reader at `position` see transaction `xid`, if it committed?
inline bool sees(const PositionView &position, Xid xid)
{
	if (xid < position.xmin)
		return true;
	if (xid >= position.xmax)
		return false;
	return !std::binary_search(position.running.begin(), position.running.end(), xid);
}

/// Does `later` see every transaction that `earlier` sees? (Not a total order: two positions may each see what the
/// other does not.) Identities are the caller's to compare.
inline bool covers(const PositionView &later, const PositionView &earlier)
{
	// What `later` does not see must be unseen by `earlier` too: first those that it lists as running …
	for (Xid xid : later.running) {
		if (xid >= earlier.xmax)
			break;
		if (sees(earlier, xid))
			return false;
	}
	// … then all from its xmax on.
	if (later.xmax >= earlier.xmax)
		return true;
	const auto first = std::lower_bound(earlier.running.begin(), earlier.running.end(), later.xmax);
	return static_cast<Xid>(earlier.running.end() - first) == earlier.xmax - later.xmax;
}

/// What the readers at either position know together: unseen is what neither has seen. `running` must have room for the larger of the
/// two lists; the result refers to it. Identity and lsn are those of the position that reaches further.
inline PositionView unite(const PositionView &one, const PositionView &other, std::span<Xid> running)
{
	const PositionView &further = one.xmax >= other.xmax ? one : other;
	const PositionView &nearer = &further == &one ? other : one;
	PositionView result = further;
	std::size_t count = 0;
	for (Xid xid : further.running)
		if (!sees(nearer, xid))
			running[count++] = xid;
	result.running = running.first(count);
	result.xmin = count > 0 ? running[0] : result.xmax;
	return result;
}

/// Is the view well formed (see PositionView)?
inline bool valid(const PositionView &position)
{
	if (position.xmin > position.xmax || position.xmax == 0)
		return false;
	Xid previous = 0;
	for (Xid xid : position.running) {
		if (xid <= previous || xid >= position.xmax)
			return false;
		previous = xid;
	}
	return position.xmin == (position.running.empty() ? position.xmax : position.running.front());
}

/// Upper bounds of the characters of a text form, and of its two parts, for `running` transactions.
constexpr std::size_t formatted_place_size = 3 + 17 + 11 + 11 + 17;
constexpr std::size_t formatted_snapshot_size(std::size_t running)
{
	return 21 + 21 + 21 * running + 1;
}
constexpr std::size_t formatted_size(std::size_t running)
{
	return formatted_place_size + formatted_snapshot_size(running);
}

/// An upper bound of the running transactions that a text of `length` characters can list.
constexpr std::size_t parsed_running_bound(std::size_t length)
{
	return length / 2 + 1;
}

/// Writes what the text forms of a page's positions begin with, `p1-<system>-<database>-<timeline>-<lsn>-` (system and lsn in hexadecimal), and
/// returns its end. `out` must have room for formatted_place_size.
inline char *format_place(const Identity &identity, std::uint64_t lsn, char *out)
{
	char *const limit = out + formatted_place_size;
	auto put = [&](std::uint64_t number, int base) {
		out = std::to_chars(out, limit, number, base).ptr;
		*out++ = '-';
	};
	*out++ = 'p';
	*out++ = '1';
	*out++ = '-';
	put(identity.system, 16);
	put(identity.database, 10);
	put(identity.timeline, 10);
	put(lsn, 16);
	return out;
}

/// Writes the rest, `<xmin>-<xmax>-<xip,xip,…>`, and returns its end. `out` must have room for formatted_snapshot_size(running). Not terminated.
inline char *format_snapshot(const PositionView &position, char *out)
{
	char *const limit = out + formatted_snapshot_size(position.running.size());
	auto put = [&](std::uint64_t number) { out = std::to_chars(out, limit, number).ptr; };
	put(position.xmin);
	*out++ = '-';
	put(position.xmax);
	*out++ = '-';
	bool first = true;
	for (Xid xid : position.running) {
		if (!first)
			*out++ = ',';
		first = false;
		put(xid);
	}
	return out;
}

/// Writes the text form and returns its end. `out` must have room for formatted_size(running). Not terminated.
inline char *format_position(const PositionView &position, char *out)
{
	return format_snapshot(position, format_place(position.identity, position.lsn, out));
}

/// Reads the text form. `running` must have room for parsed_running_bound(text.size()) numbers; the view refers to
/// it. False: not a position (then `position` is unspecified).
inline bool parse_position(std::string_view text, std::span<Xid> running, PositionView &position)
{
	const char *at = text.data();
	const char *const end = at + text.size();
	auto number = [&](auto &value, int base, char terminator) {
		// from_chars would take a leading '-' only for signed types; it never skips blanks.
		const auto [next, error] = std::from_chars(at, end, value, base);
		if (error != std::errc{} || next == end || *next != terminator)
			return false;
		at = next + 1;
		return true;
	};
	if (!text.starts_with("p1-"))
		return false;
	at += 3;
	if (!number(position.identity.system, 16, '-') || !number(position.identity.database, 10, '-') ||
		!number(position.identity.timeline, 10, '-') || !number(position.lsn, 16, '-') ||
		!number(position.xmin, 10, '-') || !number(position.xmax, 10, '-'))
		return false;
	std::size_t count = 0;
	while (at != end) {
		if (count == running.size())
			return false;
		const auto [next, error] = std::from_chars(at, end, running[count], 10);
		if (error != std::errc{})
			return false;
		++count;
		at = next;
		if (at != end) {
			if (*at != ',' || at + 1 == end)
				return false;
			++at;
		}
	}
	position.running = running.first(count);
	return valid(position);
}

} // namespace lockstep::core

// Version vectors: which edits of which nodes does a copy include?
//
// A vector counts, for each node that edits copies of the same data, how many of its edits a copy includes. One that counts as much
// as another for each node, and more for some, is after it; if each counts more somewhere, they are concurrent. The algorithm is that of
// D. S. Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", IEEE Transactions on Software Engineering
// SE-9(3), 1983.
//
// A vector is kept packed: for each node, in the order of the names' bytes, the name's length in one byte, the name, and the counter in groups
// of seven bits, the lowest first, each but the last with its high bit set. A counter of 0 is not kept. So equal vectors are
// equal bytes, and bytes are all that this file deals with.
//
// Pure: no allocation, no exceptions, no server headers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace lockstep::core
{

constexpr std::size_t max_node_bytes = 255;
constexpr std::size_t max_nodes = 65535;
constexpr std::int64_t max_counter = std::numeric_limits<std::int64_t>::max();

/// The name may be any, and the counter any number, until pack() has looked at them.
struct NodeCounter {
	std::string_view node;
	std::int64_t counter = 0;
};

inline bool valid_node(std::string_view node)
{
	return !node.empty() && node.size() <= max_node_bytes && node.find('\0') == std::string_view::npos;
}

enum class VectorFault {
	none,
	syntax,
	bad_node,             // no name for a node
	node_twice,           // which counter counts?
	counter_out_of_range, // below 0, or past the largest
	too_many_nodes,
};

/// What a function that writes a vector made of it: where it ends or, if there is none, what is wrong, and with which node if with any.
struct PackedVector {
	char *end;
	VectorFault fault = VectorFault::none;
	std::string_view node = {};
};

/// Upper bound of the bytes of a packed node.
constexpr std::size_t packed_bound(std::size_t node_bytes)
{
	return 1 + node_bytes + 9; // 63 bits in groups of seven
}

/// Reads a packed vector node by node. Ends where the bytes end, also in the middle of a node.
class VectorReader {
public:
	explicit VectorReader(std::string_view packed) : rest_(packed) {}

	bool next(NodeCounter &entry)
	{
		if (rest_.empty())
			return false;
		const std::size_t length = static_cast<unsigned char>(rest_[0]);
		std::size_t at = 1 + length;
		std::uint64_t counter = 0;
		for (unsigned shift = 0; at < rest_.size() && shift < 63; shift += 7) {
			const auto group = static_cast<unsigned char>(rest_[at++]);
			counter |= static_cast<std::uint64_t>(group & 0x7f) << shift;
			if (group & 0x80)
				continue;
			entry = {rest_.substr(1, length), static_cast<std::int64_t>(counter)};
			rest_.remove_prefix(at);
			return true;
		}
		rest_ = {};
		return false;
	}

private:
	std::string_view rest_;
};

/// Writes a node behind those with lesser names, and returns the new end. There must be room for packed_bound() bytes.
inline char *put_node(NodeCounter entry, char *out)
{
	*out++ = static_cast<char>(entry.node.size());
	out = std::copy(entry.node.begin(), entry.node.end(), out);
	auto rest = static_cast<std::uint64_t>(entry.counter);
	for (; rest > 0x7f; rest >>= 7)
		*out++ = static_cast<char>(0x80 | (rest & 0x7f));
	*out++ = static_cast<char>(rest);
	return out;
}

/// Packs counters in any order; they are sorted in place. There must be room for packed_bound() bytes for each.
inline PackedVector pack(std::span<NodeCounter> entries, char *out)
{
	for (const NodeCounter &entry : entries) {
		if (!valid_node(entry.node))
			return {nullptr, VectorFault::bad_node, entry.node};
		if (entry.counter < 0)
			return {nullptr, VectorFault::counter_out_of_range, entry.node};
	}
	const auto by_node = [](const NodeCounter &one, const NodeCounter &other) {
		return one.node < other.node;
	};
	std::sort(entries.begin(), entries.end(), by_node);
	const auto same_node = [](const NodeCounter &one, const NodeCounter &other) {
		return one.node == other.node;
	};
	const auto twice = std::adjacent_find(entries.begin(), entries.end(), same_node);
	if (twice != entries.end())
		return {nullptr, VectorFault::node_twice, twice->node};
	std::size_t count = 0;
	for (const NodeCounter &entry : entries) {
		if (entry.counter == 0)
			continue;
		if (++count > max_nodes)
			return {nullptr, VectorFault::too_many_nodes, {}};
		out = put_node(entry, out);
	}
	return {out};
}

/// Calls visit(node, counter in one, counter in other) for each node that either names, in order, until it returns false.
template <class Visit> void for_each_node(std::string_view one, std::string_view other, Visit visit)
{
	VectorReader one_reader(one), other_reader(other);
	NodeCounter left, right;
	bool has_left = one_reader.next(left), has_right = other_reader.next(right);
	while (has_left || has_right) {
		const int order = !has_right ? -1 : !has_left ? 1 : left.node.compare(right.node);
		if (!visit(order <= 0 ? left.node : right.node, order <= 0 ? left.counter : 0,
				order >= 0 ? right.counter : 0))
			return;
		if (order <= 0)
			has_left = one_reader.next(left);
		if (order >= 0)
			has_right = other_reader.next(right);
	}
}

enum class Causality {
	before,     // the other includes all of it, and more
	equal,      // both include the same
	after,      // it includes all of the other, and more
	concurrent, // each includes what the other lacks
};

inline Causality compare(std::string_view one, std::string_view other)
{
	bool lacks = false, exceeds = false;
	for_each_node(one, other, [&](std::string_view, std::int64_t mine, std::int64_t theirs) {
		lacks = lacks || mine < theirs;
		exceeds = exceeds || mine > theirs;
		return !(lacks && exceeds);
	});
	if (lacks)
		return exceeds ? Causality::concurrent : Causality::before;
	return exceeds ? Causality::after : Causality::equal;
}

/// A total order that extends the partial one: what is before comes first. It is decided by the first node on which two vectors differ, and by the
/// name's place, not by when anything happened. Negative, 0 or positive.
inline int sort_order(std::string_view one, std::string_view other)
{
	int order = 0;
	for_each_node(one, other, [&](std::string_view, std::int64_t mine, std::int64_t theirs) {
		order = mine < theirs ? -1 : mine > theirs ? 1 : 0;
		return order == 0;
	});
	return order;
}

/// The least vector that includes both. There must be room for the bytes of both together.
inline PackedVector merge(std::string_view one, std::string_view other, char *out)
{
	std::size_t count = 0;
	for_each_node(one, other, [&](std::string_view node, std::int64_t mine, std::int64_t theirs) {
		out = put_node({node, std::max(mine, theirs)}, out);
		return ++count <= max_nodes;
	});
	if (count > max_nodes)
		return {nullptr, VectorFault::too_many_nodes, {}};
	return {out};
}

inline std::int64_t counter_of(std::string_view packed, std::string_view node)
{
	VectorReader reader(packed);
	for (NodeCounter entry; reader.next(entry);)
		if (entry.node == node)
			return entry.counter;
	return 0;
}

/// The vector with one more edit of `node`. There must be room for its bytes and packed_bound() more.
inline PackedVector advance(std::string_view packed, std::string_view node, char *out)
{
	if (!valid_node(node))
		return {nullptr, VectorFault::bad_node, node};
	const std::int64_t counter = counter_of(packed, node);
	if (counter == max_counter)
		return {nullptr, VectorFault::counter_out_of_range, node};
	char one[packed_bound(max_node_bytes)];
	const char *end = put_node({node, counter + 1}, one);
	return merge(packed, {one, static_cast<std::size_t>(end - one)}, out);
}

} // namespace lockstep::core

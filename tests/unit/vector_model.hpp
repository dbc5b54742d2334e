// Version vectors as a map, which is what they are tested against.
#pragma once

#include "core/version_vector.hpp"

#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace vector_model
{

using Model = std::map<std::string, std::int64_t>;

/// Calls write(out) with exactly `bound` bytes of room, and checks that it stays within them.
template <class Write> std::string within(std::size_t bound, Write write)
{
	std::string bytes(bound + 1, '\x7f');
	const char *end = write(bytes.data());
	EXPECT_NE(end, nullptr);
	if (end == nullptr)
		return {};
	EXPECT_LE(static_cast<std::size_t>(end - bytes.data()), bound);
	EXPECT_EQ(bytes[bound], '\x7f') << "wrote beyond its bound";
	bytes.resize(static_cast<std::size_t>(end - bytes.data()));
	return bytes;
}

inline std::string packed(std::vector<lockstep::core::NodeCounter> entries)
{
	std::size_t bound = 0;
	for (const auto &entry : entries)
		bound += lockstep::core::packed_bound(entry.node.size());
	return within(bound, [&](char *out) { return lockstep::core::pack(entries, out).end; });
}

inline std::string packed(const Model &model)
{
	std::vector<lockstep::core::NodeCounter> entries;
	for (const auto &[node, counter] : model)
		entries.push_back({node, counter});
	return packed(std::move(entries));
}

inline Model unpacked(const std::string &packed)
{
	Model model;
	lockstep::core::VectorReader reader(packed);
	for (lockstep::core::NodeCounter entry; reader.next(entry);)
		EXPECT_TRUE(model.emplace(entry.node, entry.counter).second) << entry.node << " stands there twice";
	return model;
}

inline std::string merged(const std::string &one, const std::string &other)
{
	return within(
		one.size() + other.size(), [&](char *out) { return lockstep::core::merge(one, other, out).end; });
}

inline std::string advanced(const std::string &vector, const std::string &node)
{
	return within(vector.size() + lockstep::core::packed_bound(node.size()),
		[&](char *out) { return lockstep::core::advance(vector, node, out).end; });
}

/// Names of all kinds, few enough that vectors share them.
inline std::string any_node(std::mt19937_64 &random)
{
	static const std::vector<std::string> names = {"a", "b", "ab", "B", "db1:5432", "new york", "\"", "\\",
		"{}", ",", "\n", "\x7f", "z\xc3\xbcrich", "\xff", std::string(255, 'n'), std::string(255, '"')};
	return names[random() % names.size()];
}

/// Any size in bits is as likely as any other; never more than the largest.
inline std::int64_t any_counter(std::mt19937_64 &random)
{
	return static_cast<std::int64_t>(random() >> (1 + random() % 63));
}

/// At most `nodes` nodes; small counters, so that vectors often agree, or of any size.
inline Model any_model(std::mt19937_64 &random, unsigned nodes, bool small)
{
	Model model;
	for (auto left = random() % (nodes + 1); left > 0; --left)
		if (const auto counter = small ? static_cast<std::int64_t>(random() % 3) : any_counter(random);
			counter > 0)
			model[any_node(random)] = counter;
	return model;
}

} // namespace vector_model

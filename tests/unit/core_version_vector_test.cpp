// Version vectors: the laws of their orders, of merge() and advance(), and each against a map.
#include "vector_model.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace
{

using lockstep::core::Causality;
using lockstep::core::compare;
using lockstep::core::counter_of;
using lockstep::core::max_counter;
using lockstep::core::max_nodes;
using lockstep::core::NodeCounter;
using lockstep::core::pack;
using lockstep::core::packed_bound;
using lockstep::core::sort_order;
using lockstep::core::VectorFault;
using namespace vector_model;

bool includes(const Model &larger, const Model &smaller)
{
	return std::all_of(smaller.begin(), smaller.end(), [&](const auto &entry) {
		const auto found = larger.find(entry.first);
		return found != larger.end() && found->second >= entry.second;
	});
}

Causality compare_models(const Model &one, const Model &other)
{
	const bool above = includes(one, other), below = includes(other, one);
	return above && below ? Causality::equal
		: above           ? Causality::after
		: below           ? Causality::before
						  : Causality::concurrent;
}

bool at_most(const std::string &one, const std::string &other)
{
	const Causality causality = compare(one, other);
	return causality == Causality::before || causality == Causality::equal;
}

Causality mirrored(Causality causality)
{
	return causality == Causality::before ? Causality::after
		: causality == Causality::after   ? Causality::before
										  : causality;
}

// Vectors as they come about: of each other, by edits and merges, and some that nobody knows where they come from.
std::vector<std::string> related_vectors(std::mt19937_64 &random, std::size_t count)
{
	std::vector<std::string> all = {packed(Model{})};
	while (all.size() < count) {
		const std::string &one = all[random() % all.size()];
		switch (random() % 4) {
		case 0:
			all.push_back(packed(any_model(random, 5, true)));
			break;
		case 1:
			all.push_back(merged(one, all[random() % all.size()]));
			break;
		default:
			all.push_back(advanced(one, any_node(random)));
			break;
		}
	}
	return all;
}

class VersionVectorLaws : public testing::Test {
protected:
	const unsigned seed = std::random_device{}();
	std::mt19937_64 random{seed};
	const testing::ScopedTrace trace{__FILE__, __LINE__, "seed " + std::to_string(seed)};
};

TEST_F(VersionVectorLaws, the_order_is_partial)
{
	std::set<Causality> seen;
	for (int round = 0; round < 20; ++round) {
		const auto all = related_vectors(random, 40);
		for (const auto &a : all) {
			ASSERT_EQ(compare(a, a), Causality::equal);
			for (const auto &b : all) {
				const Causality causality = compare(a, b);
				seen.insert(causality);
				ASSERT_EQ(causality, compare_models(unpacked(a), unpacked(b)));
				ASSERT_EQ(compare(b, a), mirrored(causality));
				ASSERT_EQ(causality == Causality::equal, a == b) << "equal vectors are equal bytes";
				for (const auto &c : all)
					ASSERT_TRUE(!at_most(a, b) || !at_most(b, c) || at_most(a, c)) << "not transitive";
			}
		}
	}
	EXPECT_EQ(seen.size(), 4U) << "the vectors were too much alike";
}

TEST_F(VersionVectorLaws, merge_is_the_least_upper_bound)
{
	std::size_t bounds = 0;
	for (int round = 0; round < 20; ++round) {
		const auto all = related_vectors(random, 30);
		for (const auto &a : all) {
			ASSERT_EQ(merged(a, a), a) << "idempotent";
			ASSERT_EQ(merged(a, {}), a);
			for (const auto &b : all) {
				const std::string both = merged(a, b);
				ASSERT_EQ(both, merged(b, a)) << "commutative";
				ASSERT_TRUE(at_most(a, both) && at_most(b, both)) << "an upper bound";
				ASSERT_EQ(at_most(a, b), both == b) << "a <= b is a merged with b being b";
				for (const auto &c : all) {
					ASSERT_EQ(merged(both, c), merged(a, merged(b, c))) << "associative";
					if (at_most(a, c) && at_most(b, c)) {
						++bounds;
						ASSERT_TRUE(at_most(both, c)) << "not the least upper bound";
					}
				}
			}
		}
	}
	EXPECT_GT(bounds, 1000U);
}

TEST_F(VersionVectorLaws, advance_is_strictly_after_and_by_one)
{
	for (int i = 0; i < 5000; ++i) {
		Model model = any_model(random, 6, i % 2 == 0);
		const std::string node = any_node(random), before = packed(model);
		if (counter_of(before, node) == max_counter)
			continue;
		const std::string after = advanced(before, node);
		ASSERT_EQ(compare(after, before), Causality::after);
		++model[node];
		ASSERT_EQ(after, packed(model));
		ASSERT_EQ(counter_of(after, node), model[node]);
		// Two nodes that edit the same copy are concurrent, until one has seen the other's.
		const std::string other = any_node(random);
		if (other == node || counter_of(before, other) == max_counter)
			continue;
		const std::string aside = advanced(before, other);
		ASSERT_EQ(compare(after, aside), Causality::concurrent);
		ASSERT_EQ(merged(after, aside), advanced(after, other));
	}
}

TEST_F(VersionVectorLaws, the_order_for_sorting_is_total_and_extends_the_partial_one)
{
	for (int round = 0; round < 20; ++round) {
		auto all = related_vectors(random, 40);
		for (const auto &a : all)
			for (const auto &b : all) {
				const int order = sort_order(a, b);
				ASSERT_EQ(order == 0, a == b);
				ASSERT_EQ(order<0, sort_order(b, a)> 0);
				ASSERT_TRUE(compare(a, b) != Causality::before || order < 0)
					<< "what is before does not come first";
				for (const auto &c : all)
					ASSERT_TRUE(order > 0 || sort_order(b, c) > 0 || sort_order(a, c) <= 0)
						<< "not transitive";
			}
	}
}

TEST_F(VersionVectorLaws, what_was_packed_is_read_again_whatever_the_order_it_came_in)
{
	for (int i = 0; i < 5000; ++i) {
		const Model model = any_model(random, 12, false);
		const std::string expected = packed(model);
		ASSERT_EQ(unpacked(expected), model);
		std::vector<NodeCounter> entries;
		for (const auto &[node, counter] : model)
			entries.push_back({node, counter});
		// Whoever says that he has seen nothing of a node says nothing.
		if (model.find("zero") == model.end())
			entries.push_back({"zero", 0});
		std::shuffle(entries.begin(), entries.end(), random);
		ASSERT_EQ(packed(entries), expected);
	}
}

TEST_F(VersionVectorLaws, damaged_bytes_are_read_no_further_than_they_reach)
{
	for (int i = 0; i < 20000; ++i) {
		std::string bytes = packed(any_model(random, 4, false));
		for (auto strokes = random() % 4; strokes > 0 && !bytes.empty(); --strokes)
			bytes[random() % bytes.size()] = static_cast<char>(random());
		bytes.resize(random() % (bytes.size() + 1));
		// In a buffer of its own, so that a sanitizer sees what reads on.
		const std::vector<char> exact(bytes.begin(), bytes.end());
		const std::string_view view(exact.data(), exact.size());
		std::size_t names = 0;
		lockstep::core::VectorReader reader(view);
		for (NodeCounter entry; reader.next(entry);) {
			names += entry.node.size();
			ASSERT_GE(entry.counter, 0);
		}
		ASSERT_LE(names, bytes.size());
		compare(view, view);
	}
}

TEST(VersionVector, is_packed_as_documented)
{
	EXPECT_EQ(packed(Model{}), "");
	EXPECT_EQ(packed(Model{{"paris", 1}, {"berlin", 300}}),
		"\x06"
		"berlin\xac\x02\x05paris\x01");
	EXPECT_EQ(packed(Model{{"a", 127}}),
		"\x01"
		"a\x7f");
	EXPECT_EQ(packed(Model{{"a", 128}}),
		std::string("\x01"
					"a\x80\x01"));
	EXPECT_EQ(packed(Model{{"a", max_counter}}),
		"\x01"
		"a\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
	// Bytes count as unsigned.
	EXPECT_EQ(packed(Model{{"\xc3\xbc", 1}, {"z", 1}}), "\x01z\x01\x02\xc3\xbc\x01");
}

TEST(VersionVector, a_fault_names_the_node)
{
	const std::string long_name(256, 'n'), with_nul("a\0b", 3);
	struct {
		std::vector<NodeCounter> entries;
		VectorFault fault;
		std::string_view node;
	} cases[] = {
		{{{"", 1}}, VectorFault::bad_node, ""},
		{{{"a", 1}, {long_name, 1}}, VectorFault::bad_node, long_name},
		{{{with_nul, 1}}, VectorFault::bad_node, with_nul},
		{{{"", 0}}, VectorFault::bad_node, ""},
		{{{"a", 1}, {"b", -1}}, VectorFault::counter_out_of_range, "b"},
		{{{"a", std::numeric_limits<std::int64_t>::min()}}, VectorFault::counter_out_of_range, "a"},
		{{{"b", 1}, {"a", 2}, {"b", 3}}, VectorFault::node_twice, "b"},
		{{{"b", 1}, {"b", 0}}, VectorFault::node_twice, "b"},
	};
	for (auto &one : cases) {
		char room[4 * packed_bound(300)];
		const auto result = pack(one.entries, room);
		EXPECT_EQ(result.end, nullptr);
		EXPECT_EQ(result.fault, one.fault);
		EXPECT_EQ(result.node, one.node);
	}
}

TEST(VersionVector, a_counter_at_its_end_is_not_advanced)
{
	const std::string last = packed(Model{{"a", max_counter - 1}}), end = advanced(last, "a");
	EXPECT_EQ(counter_of(end, "a"), max_counter);
	char room[100];
	const auto result = lockstep::core::advance(end, "a", room);
	EXPECT_EQ(result.end, nullptr);
	EXPECT_EQ(result.fault, VectorFault::counter_out_of_range);
	EXPECT_EQ(result.node, "a");
	EXPECT_EQ(unpacked(advanced(end, "b")), (Model{{"a", max_counter}, {"b", 1}}));
}

TEST(VersionVector, a_name_that_is_none_is_not_advanced)
{
	char room[400];
	for (const std::string &name : {std::string(), std::string(256, 'n'), std::string("a\0b", 3)}) {
		const auto result = lockstep::core::advance({}, name, room);
		EXPECT_EQ(result.end, nullptr);
		EXPECT_EQ(result.fault, VectorFault::bad_node);
		EXPECT_EQ(counter_of(packed(Model{{"a", 1}}), name), 0);
	}
}

TEST(VersionVector, there_is_an_end_to_the_number_of_nodes)
{
	Model model;
	for (std::size_t i = 0; i < max_nodes; ++i)
		model[std::to_string(i)] = 1;
	const std::string full = packed(model);
	EXPECT_EQ(advanced(full, "0"), merged(full, packed(Model{{"0", 2}})));
	std::vector<char> room(full.size() + 100);
	const auto advanced = lockstep::core::advance(full, "one more", room.data());
	EXPECT_EQ(advanced.end, nullptr);
	EXPECT_EQ(advanced.fault, VectorFault::too_many_nodes);
	const auto merged = lockstep::core::merge(full, packed(Model{{"one more", 1}}), room.data());
	EXPECT_EQ(merged.end, nullptr);
	EXPECT_EQ(merged.fault, VectorFault::too_many_nodes);
	std::vector<NodeCounter> entries;
	for (const auto &[node, counter] : model)
		entries.push_back({node, counter});
	entries.push_back({"one more", 1});
	EXPECT_EQ(pack(entries, room.data()).fault, VectorFault::too_many_nodes);
}

} // namespace

// Version vectors as text and in binary form: what was written is read again, and whatever else comes is refused.
#include "core/version_vector_form.hpp"
#include "vector_model.hpp"

#include <optional>
#include <string_view>

namespace
{

using lockstep::core::max_counter;
using lockstep::core::max_nodes;
using lockstep::core::NodeCounter;
using lockstep::core::PackedVector;
using lockstep::core::ReadVector;
using lockstep::core::VectorFault;
using namespace vector_model;

std::string text_of(const std::string &packed)
{
	return within(lockstep::core::text_bound(packed),
		[&](char *out) { return lockstep::core::write_text(packed, out); });
}

std::string binary_of(const std::string &packed)
{
	std::vector<NodeCounter> entries;
	lockstep::core::VectorReader reader(packed);
	for (NodeCounter entry; reader.next(entry);)
		entries.push_back(entry);
	const std::size_t size = lockstep::core::binary_size(entries);
	return within(size, [&](char *out) {
		lockstep::core::write_binary(entries, out);
		return out + size;
	});
}

struct Outcome {
	std::optional<std::string> packed;
	VectorFault fault;
	std::string node;
};

Outcome settle(const ReadVector &read, std::vector<NodeCounter> &room)
{
	if (read.fault != VectorFault::none)
		return {{}, read.fault, std::string(read.node)};
	room.resize(read.count);
	std::size_t bound = 0;
	for (const NodeCounter &entry : room)
		bound += lockstep::core::packed_bound(entry.node.size());
	std::vector<char> out(bound);
	const PackedVector result = lockstep::core::pack(room, out.data());
	if (result.fault != VectorFault::none)
		return {{}, result.fault, std::string(result.node)};
	return {std::string(out.data(), result.end), result.fault, {}};
}

// In buffers that end with the input, so that a sanitizer sees what reads on.
Outcome from_text(std::string_view text)
{
	const std::vector<char> exact(text.begin(), text.end());
	std::vector<NodeCounter> room(lockstep::core::text_counters_bound(text.size()));
	std::vector<char> names(text.size());
	return settle(lockstep::core::read_text({exact.data(), exact.size()}, room, names.data()), room);
}

Outcome from_binary(std::string_view bytes)
{
	const std::vector<char> exact(bytes.begin(), bytes.end());
	std::vector<NodeCounter> room(lockstep::core::binary_counters_bound(bytes.size()));
	return settle(lockstep::core::read_binary({exact.data(), exact.size()}, room), room);
}

TEST(VersionVectorForm, is_written_as_documented)
{
	EXPECT_EQ(text_of(packed(Model{})), "{}");
	EXPECT_EQ(text_of(packed(Model{{"paris", 1}, {"berlin", 3}})), "{berlin:3,paris:1}");
	EXPECT_EQ(text_of(packed(Model{{"a-b_c.d/e@f", max_counter}})), "{a-b_c.d/e@f:9223372036854775807}");
	EXPECT_EQ(text_of(packed(Model{{"z\xc3\xbcrich", 1}})), "{z\xc3\xbcrich:1}");
	EXPECT_EQ(text_of(packed(Model{{"new york", 1}, {"a:1", 2}, {"\"\\", 3}, {"\t", 4}})),
		"{\"\t\":4,\"\\\"\\\\\":3,\"a:1\":2,\"new york\":1}");
	EXPECT_EQ(binary_of(packed(Model{{"b", 258}, {"a", 1}})),
		std::string("\0\0\0\2"
					"\0\0\0\1"
					"a\0\0\0\0\0\0\0\1"
					"\0\0\0\1"
					"b\0\0\0\0\0\0\1\2",
			30));
}

TEST(VersionVectorForm, what_was_written_is_read_again)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937_64 random(seed);
	for (int i = 0; i < 20000; ++i) {
		const std::string vector = packed(any_model(random, 12, i % 2 == 0));
		ASSERT_EQ(from_text(text_of(vector)).packed, vector) << text_of(vector);
		ASSERT_EQ(from_binary(binary_of(vector)).packed, vector);
	}
}

TEST(VersionVectorForm, several_texts_may_mean_the_same)
{
	const std::string expected = packed(Model{{"a", 1}, {"b", 2}});
	for (const char *text : {"{a:1,b:2}", "{b:2,a:1}", " \t\r\n\v\f{ a : 1 , b : 2 } ", "{\"a\":1,\"b\":2}",
			 "{\"b\": 2, \"a\": 1}", "{a:001,b:2}", "{a:1,b:2,c:0}"})
		EXPECT_EQ(from_text(text).packed, expected) << text;
	for (const char *text : {"{}", " { } ", "{a:0}", "{a:0,b:0}"})
		EXPECT_EQ(from_text(text).packed, "") << text;
}

TEST(VersionVectorForm, what_is_no_vector_is_refused)
{
	for (const char *text : {"", " ", "{", "}", "a:1", "{a:1", "a:1}", "{a}", "{a:}", "{:1}", "{a:1,}",
			 "{,a:1}", "{,}", "{a:1,,b:1}", "{a:1;b:1}", "{a:1 b:1}", "{a b:1}", "{a:1}x", "{a:1}{}",
			 "{{a:1}}", "{a:-1}", "{a:+1}", "{a:1.0}", "{a:1e3}", "{a:0x1}", "{a:1a}", "{a:\"1\"}",
			 "{a:null}", "{\"a:1}", "{\"a\\n\":1}", "{\"a\\", "{\"a\\\"", "{\"", "{\"a\"b:1}", "{a\"b\":1}",
			 "{'a':1}", "{a=>1}", "{a:1\x01}", "{\x01:1}", "{+:1}"}) {
		const Outcome outcome = from_text(text);
		EXPECT_EQ(outcome.fault, VectorFault::syntax) << text;
		EXPECT_FALSE(outcome.packed) << text;
	}
	EXPECT_EQ(from_text(std::string_view("{}\0", 3)).fault, VectorFault::syntax);
	EXPECT_EQ(from_text(std::string_view("{a\0:1}", 6)).fault, VectorFault::syntax);
	EXPECT_EQ(from_text(std::string_view("{\"a\0\":1}", 8)).fault, VectorFault::bad_node);

	EXPECT_EQ(from_text("{\"\":1}").fault, VectorFault::bad_node);
	EXPECT_EQ(from_text("{" + std::string(256, 'n') + ":1}").fault, VectorFault::bad_node);
	EXPECT_TRUE(from_text("{" + std::string(255, 'n') + ":1}").packed);
	EXPECT_EQ(from_text("{a:1,\"a\":1}").fault, VectorFault::node_twice);
	EXPECT_EQ(from_text("{a:1,b:2,a:0}").node, "a");
	EXPECT_TRUE(from_text("{a:9223372036854775807}").packed);
	const Outcome large = from_text("{a:1,b:9223372036854775808}");
	EXPECT_EQ(large.fault, VectorFault::counter_out_of_range);
	EXPECT_EQ(large.node, "b");
}

TEST(VersionVectorForm, bytes_that_are_no_vector_are_refused)
{
	const auto bytes = [](const char *text, std::size_t size) { return std::string(text, size); };
	const std::string good = bytes("\0\0\0\1"
								   "\0\0\0\1"
								   "a\0\0\0\0\0\0\0\1",
		17);
	EXPECT_EQ(from_binary(good).packed, packed(Model{{"a", 1}}));
	EXPECT_EQ(from_binary(bytes("\0\0\0\0", 4)).packed, "");
	for (std::size_t length = 0; length < good.size(); ++length)
		EXPECT_EQ(from_binary(good.substr(0, length)).fault, VectorFault::syntax) << length;
	EXPECT_EQ(from_binary(good + '\0').fault, VectorFault::syntax);
	// Counts and lengths that promise more than there is.
	EXPECT_EQ(from_binary(bytes("\xff\xff\xff\xff", 4)).fault, VectorFault::syntax);
	EXPECT_EQ(from_binary(bytes("\x7f\xff\xff\xff\0\0\0\1"
								"a\0\0\0\0\0\0\0\1",
							  17))
				  .fault,
		VectorFault::syntax);
	EXPECT_EQ(from_binary(bytes("\0\0\0\1\xff\xff\xff\xff"
								"a\0\0\0\0\0\0\0\1",
							  17))
				  .fault,
		VectorFault::syntax);
	EXPECT_EQ(from_binary(bytes("\0\0\0\1\0\0\0\2"
								"a\0\0\0\0\0\0\0\1",
							  17))
				  .fault,
		VectorFault::syntax);

	EXPECT_EQ(from_binary(bytes("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1", 16)).fault, VectorFault::bad_node);
	EXPECT_EQ(from_binary(bytes("\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\1", 17)).fault, VectorFault::bad_node);
	EXPECT_EQ(from_binary(bytes("\0\0\0\1\0\0\0\1"
								"a\xff\xff\xff\xff\xff\xff\xff\xff",
							  17))
				  .fault,
		VectorFault::counter_out_of_range);
	EXPECT_EQ(from_binary(bytes("\0\0\0\2"
								"\0\0\0\1"
								"a\0\0\0\0\0\0\0\1"
								"\0\0\0\1"
								"a\0\0\0\0\0\0\0\2",
							  30))
				  .fault,
		VectorFault::node_twice);
	// Any order will do, and 0 says nothing.
	EXPECT_EQ(from_binary(bytes("\0\0\0\2"
								"\0\0\0\1"
								"b\0\0\0\0\0\0\0\1"
								"\0\0\0\1"
								"a\0\0\0\0\0\0\0\0",
							  30))
				  .packed,
		packed(Model{{"b", 1}}));
}

TEST(VersionVectorForm, damaged_input_is_refused_or_is_another_vector)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937_64 random(seed);
	const std::string letters = "{}:,\"\\ ab01\n\xff";
	int taken = 0, refused = 0;
	for (int i = 0; i < 40000; ++i) {
		const std::string vector = packed(any_model(random, 3, true));
		const bool as_text = i % 2 == 0;
		std::string input = as_text ? text_of(vector) : binary_of(vector);
		for (auto strokes = 1 + random() % 3; strokes > 0; --strokes) {
			const std::size_t at = random() % (input.size() + 1);
			const char letter = as_text ? letters[random() % letters.size()]
										: static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
			if (random() % 3 == 0)
				input.insert(at, 1, letter);
			else if (at < input.size() && random() % 2 == 0)
				input[at] = letter;
			else
				input.erase(at, random() % 2 == 0 ? 1 : std::string::npos);
		}
		const Outcome outcome = as_text ? from_text(input) : from_binary(input);
		ASSERT_NE(outcome.packed.has_value(), outcome.fault != VectorFault::none);
		++(outcome.packed ? taken : refused);
		if (outcome.packed) {
			ASSERT_EQ(
				(as_text ? from_text(text_of(*outcome.packed)) : from_binary(binary_of(*outcome.packed)))
					.packed,
				outcome.packed);
		}
	}
	EXPECT_GT(taken, 100);
	EXPECT_GT(refused, 1000);
}

TEST(VersionVectorForm, there_is_an_end_to_the_number_of_nodes)
{
	std::string text = "{";
	std::vector<std::string> names;
	std::vector<NodeCounter> entries;
	for (std::size_t i = 0; i <= max_nodes; ++i)
		names.push_back(std::to_string(i));
	for (const auto &name : names)
		entries.push_back({name, 1});
	for (std::size_t i = 0; i < max_nodes; ++i)
		text += (i == 0 ? "" : ",") + names[i] + ":1";
	EXPECT_TRUE(from_text(text + "}").packed);
	EXPECT_EQ(from_text(text + ",more:1}").fault, VectorFault::too_many_nodes);
	std::string bytes(lockstep::core::binary_size(entries), '\0');
	lockstep::core::write_binary(entries, bytes.data());
	EXPECT_EQ(from_binary(bytes).fault, VectorFault::too_many_nodes);
	entries.pop_back();
	bytes.resize(lockstep::core::binary_size(entries));
	lockstep::core::write_binary(entries, bytes.data());
	EXPECT_TRUE(from_binary(bytes).packed);
}

} // namespace

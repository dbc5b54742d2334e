#include "wire/json.hpp"

#include <gtest/gtest.h>

#include <random>

namespace lockstep::wire
{
namespace
{

TEST(ValidJson, accepts_every_form_of_value)
{
	for (const char *text : {"null", " true ", "-0.5e-7", "1e400", "123456789012345678901234567890.5",
			 "\"\\ud83d\\ude00\\n\"", "[]", "[1, [2, {}], \"x\"]", "{\"a\": {\"b\": [null]}}"})
		EXPECT_TRUE(valid_json(text)) << text;
}

TEST(ValidJson, refuses_what_is_malformed)
{
	for (const char *text : {"", "nul", "01", "1.", ".5", "+1", "1e", "\"\\x\"", "\"\\ud83d\"", "\"\\udc00\"",
			 "\"\t\"", "[1,]", "{,}", "{\"a\"}", "{\"a\":1,}", "{a:1}", "[1 2]", "{} {}", "\"open", "NaN",
			 "'x'", "[", "{\"a\":", "\"\\u00g0\""})
		EXPECT_FALSE(valid_json(text)) << text;
}

TEST(ValidJson, refuses_what_is_nested_too_deeply)
{
	EXPECT_TRUE(valid_json(std::string(64, '[') + std::string(64, ']')));
	EXPECT_FALSE(valid_json(std::string(65, '[') + std::string(65, ']')));
	EXPECT_FALSE(valid_json(std::string(1000000, '[')));
}

TEST(JsonWalk, finds_the_raw_values_of_a_row_image)
{
	JsonWalk walk(
		R"({"id": 12345678901234567890.10, "na\"me": "a\\\"}b", "list": [1, {"x": "]"}], "none": null})");
	JsonMember member;
	std::vector<std::pair<std::string, std::string>> found;
	while (walk.next(member))
		found.emplace_back(member.key, member.value);
	EXPECT_TRUE(walk.ok());
	const std::vector<std::pair<std::string, std::string>> expected = {{"id", "12345678901234567890.10"},
		{R"(na\"me)", R"("a\\\"}b")"}, {"list", R"([1, {"x": "]"}])"}, {"none", "null"}};
	EXPECT_EQ(found, expected);
}

TEST(JsonWalk, walks_arrays_too)
{
	JsonWalk walk("[ 1 ,\"two\", [3] ]");
	JsonMember member;
	std::vector<std::string> found;
	while (walk.next(member))
		found.emplace_back(member.value);
	EXPECT_TRUE(walk.ok());
	EXPECT_EQ(found, (std::vector<std::string>{"1", "\"two\"", "[3]"}));
}

TEST(JsonWalk, an_empty_object_has_no_members)
{
	JsonWalk walk("{ }");
	JsonMember member;
	EXPECT_FALSE(walk.next(member));
	EXPECT_TRUE(walk.ok());
}

TEST(JsonWalk, never_reads_beyond_the_end_of_malformed_text)
{
	const std::string whole = R"({"a": "x\"y", "b": [1, {"c": null}], "d": -1.5e3})";
	for (std::size_t size = 0; size < whole.size(); ++size) {
		const std::string cut(whole.data(), size); // its own memory: a sanitizer sees a step too far
		JsonWalk walk(cut);
		JsonMember member;
		while (walk.next(member)) {
		}
		EXPECT_FALSE(walk.ok()) << cut;
	}
	std::mt19937 random(3);
	for (int round = 0; round < 20000; ++round) {
		std::string text;
		for (int i = 0; i < 20; ++i)
			text += "{}[]\",:\\ a1"[random() % 11];
		JsonWalk walk(text);
		JsonMember member;
		while (walk.next(member)) {
		}
	}
}

TEST(JsonObject, the_last_of_two_members_of_a_name_counts)
{
	const auto object = JsonObject::parse(R"({"a":1,"\u0061":2})");
	ASSERT_TRUE(object);
	EXPECT_EQ(object->find("a"), "2");
	EXPECT_FALSE(object->find("b"));
	EXPECT_FALSE(JsonObject::parse("[1]"));
}

TEST(Quoted, comes_back_as_it_went)
{
	const std::string text("quote \" backslash \\ line \n tab \t bell \x07 euro €", 48);
	EXPECT_EQ(json_string(wire::quoted(text)), text);
	EXPECT_TRUE(valid_json(wire::quoted(text)));
}

} // namespace
} // namespace lockstep::wire

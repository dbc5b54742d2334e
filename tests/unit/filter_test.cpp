#include "fixtures.hpp"
#include "hub/filter.hpp"
#include "hub/moment.hpp"

namespace lockstep::hub
{
namespace
{

using test::orders;
using Verdict = Filter::Verdict;

Verdict judge(const std::string &where, const std::string &row)
{
	const Filter filter(orders(), test::resolved(where));
	RowImage image;
	EXPECT_TRUE(image.assign(*orders(), row));
	return filter.judge(image);
}

bool matches(const std::string &where, const std::string &row)
{
	const Verdict verdict = judge(where, row);
	EXPECT_TRUE(verdict == Verdict::yes || verdict == Verdict::no) << where;
	return verdict == Verdict::yes;
}

std::string refusal(const std::string &where)
{
	const auto parsed = parse_filter(*orders(), where);
	const auto *error = std::get_if<FilterError>(&parsed);
	return error != nullptr ? error->message : "";
}

TEST(Filter, without_a_condition_everything_matches)
{
	EXPECT_TRUE(matches("", R"({"id": 1})"));
	EXPECT_TRUE(matches("{}", R"({"id": 1})"));
}

TEST(Filter, integers_compare_as_integers)
{
	EXPECT_TRUE(matches(R"({"id":{"lt":10}})", R"({"id": 9})"));
	EXPECT_FALSE(matches(R"({"id":{"lt":10}})", R"({"id": 10})"));
	EXPECT_TRUE(matches(R"({"id":{"gt":-5,"lte":-1}})", R"({"id": -1})"));
	EXPECT_TRUE(matches(R"({"id":9223372036854775807})", R"({"id": 9223372036854775807})"));
	EXPECT_FALSE(matches(R"({"id":9223372036854775807})", R"({"id": 9223372036854775806})"));
	EXPECT_TRUE(matches(R"({"id":{"neq":3}})", R"({"id": 4})"));
}

TEST(Filter, null_is_neither_equal_nor_unequal)
{
	EXPECT_FALSE(matches(R"({"status":"a"})", R"({"status": null})"));
	EXPECT_FALSE(matches(R"({"status":{"neq":"a"}})", R"({"status": null})"));
	EXPECT_FALSE(matches(R"({"not":{"status":"a"}})", R"({"status": null})"));
	EXPECT_FALSE(matches(R"({"id":{"gt":1}})", R"({"id": null})"));
	EXPECT_TRUE(matches(R"({"status":null})", R"({"status": null})"));
	EXPECT_TRUE(matches(R"({"status":{"neq":null}})", R"({"status": "null"})"));
	EXPECT_FALSE(matches(R"({"status":{"neq":null}})", R"({"status": null})"));
	EXPECT_TRUE(matches(R"({"status":{"is":null}})", R"({"status": null})"));
}

TEST(Filter, unknown_is_absorbed_as_sql_does)
{
	const std::string row = R"({"status": null, "open": true, "id": 1})";
	EXPECT_FALSE(matches(R"({"status":"a","open":false})", row));            // unknown and false
	EXPECT_TRUE(matches(R"({"or":[{"status":"a"},{"open":true}]})", row));   // unknown or true
	EXPECT_FALSE(matches(R"({"or":[{"status":"a"},{"open":false}]})", row)); // unknown or false
	EXPECT_TRUE(matches(R"({"not":{"status":"a","open":false}})", row));     // not (unknown and false)
	EXPECT_FALSE(matches(R"({"not":{"status":"a","open":true}})", row));     // not (unknown and true)
	EXPECT_FALSE(matches(R"({"not":{"or":[{"status":"a"},{"open":false}]}})", row));
}

TEST(Filter, in_with_null_is_true_or_unknown)
{
	EXPECT_TRUE(matches(R"({"status":{"in":["a",null]}})", R"({"status": "a"})"));
	EXPECT_FALSE(matches(R"({"status":{"in":["a",null]}})", R"({"status": "b"})"));
	EXPECT_FALSE(matches(R"({"not":{"status":{"in":["a",null]}}})", R"({"status": "b"})"));
	EXPECT_TRUE(matches(R"({"not":{"status":{"in":["a"]}}})", R"({"status": "b"})"));
}

TEST(Filter, an_empty_list_matches_nothing_and_its_negation_everything)
{
	EXPECT_FALSE(matches(R"({"status":{"in":[]}})", R"({"status": "a"})"));
	EXPECT_TRUE(matches(R"({"not":{"status":{"in":[]}}})", R"({"status": null})"));
	EXPECT_FALSE(matches(R"({"or":[]})", R"({"id": 1})"));
	EXPECT_TRUE(matches(R"({"and":[]})", R"({"id": 1})"));
}

TEST(Filter, booleans)
{
	EXPECT_TRUE(matches(R"({"open":true})", R"({"open": true})"));
	EXPECT_TRUE(matches(R"({"open":{"gt":false}})", R"({"open": true})"));
	EXPECT_TRUE(matches(R"({"open":{"is":false}})", R"({"open": false})"));
	EXPECT_FALSE(matches(R"({"open":{"is":false}})", R"({"open": null})"));
	EXPECT_TRUE(matches(R"({"open":{"not":{"is":false}}})", R"({"open": null})"));
}

TEST(Filter, text_is_equal_when_its_bytes_are)
{
	EXPECT_TRUE(matches(R"({"status":"a \"b\" \\"})", R"({"status": "a \"b\" \\"})"));
	EXPECT_TRUE(matches(R"({"status":"\u00e4"})", "{\"status\": \"ä\"}"));
	EXPECT_FALSE(matches(R"({"status":"a"})", R"({"status": "a "})"));
}

TEST(Filter, order_of_text_is_judged_here_only_where_it_is_that_of_bytes)
{
	EXPECT_EQ(judge(R"({"status":{"gt":"a"}})", R"({"status": "b"})"), Verdict::ask);
	EXPECT_TRUE(matches(R"({"code":{"gt":"Z"}})", R"({"code": "a"})"));
	EXPECT_TRUE(matches(R"({"code":{"gte":"a","lt":"b"}})", R"({"code": "a\n"})"));
	EXPECT_TRUE(matches("{\"code\":{\"gt\":\"z\"}}", "{\"code\": \"ä\"}")); // bytes are unsigned
}

TEST(Filter, timestamps_compare_as_instants)
{
	const std::string at_ten = R"({"due": "2026-11-20T10:00:00+00:00"})";
	EXPECT_TRUE(matches(R"({"due":"2026-11-20T11:00:00+01:00"})", at_ten));
	EXPECT_TRUE(matches(R"({"due":{"lt":"2026-11-20T10:00:00.000001+00:00"}})", at_ten));
	EXPECT_TRUE(matches(R"({"due":{"gt":"infinity"}})", R"({"due": "infinity"})") == false);
	EXPECT_TRUE(matches(R"({"due":{"lt":"infinity"}})", at_ten));
	EXPECT_TRUE(matches(R"({"due":{"gt":"-infinity"}})", R"({"due": "0044-03-15T00:00:00+00:00 BC"})"));
	EXPECT_TRUE(matches(
		R"({"due":{"lt":"0001-01-01T00:00:00+00:00"}})", R"({"due": "0044-03-15T00:00:00+00:00 BC"})"));
}

TEST(Filter, what_postgresql_must_judge_is_asked)
{
	EXPECT_EQ(judge(R"({"total":5})", R"({"total": 5.0})"), Verdict::ask);
	EXPECT_EQ(judge(R"({"status":{"like":"a%"}})", R"({"status": "abc"})"), Verdict::ask);
	// A conjunct that is judged here spares the question.
	EXPECT_EQ(judge(R"({"total":5,"id":1})", R"({"total": 5.0, "id": 2})"), Verdict::no);
	EXPECT_EQ(judge(R"({"total":5,"id":1})", R"({"total": 5.0, "id": 1})"), Verdict::ask);
	EXPECT_EQ(judge(R"({"or":[{"total":5},{"id":1}]})", R"({"total": 5.0, "id": 2})"), Verdict::ask);
}

TEST(Filter, an_image_without_the_value_cannot_be_judged)
{
	EXPECT_EQ(judge(R"({"status":"a"})", R"({"id": 1})"), Verdict::blind);
	EXPECT_EQ(judge(R"({"total":5})", R"({"id": 1})"), Verdict::blind);
}

TEST(Filter, writes_sql_with_values_as_parameters)
{
	const Filter filter(orders(),
		test::resolved(
			R"({"status":"it's","or":[{"id":{"in":[1,null]}},{"not":{"open":null}}],"code":{"in":[]}})"));
	EXPECT_EQ(filter.sql(),
		R"(((t."status" = CAST($1::pg_catalog.text AS text)) AND )"
		R"(((t."id" IN (CAST($2::pg_catalog.text AS bigint), NULL)) OR NOT ((t."open" IS NULL))) AND false))");
	EXPECT_EQ(filter.parameters(), (std::vector<std::string>{"it's", "1"}));
	EXPECT_EQ(Filter(orders(), Condition{}).sql(), "true");
}

TEST(Filter, names_an_equality_that_every_match_fulfils)
{
	auto column = [](const std::string &where) {
		return Filter(orders(), test::resolved(where)).equality().column;
	};
	EXPECT_EQ(column(R"({"total":1,"status":"a"})"), 1);
	EXPECT_EQ(column(R"({"id":{"in":[1,2]}})"), 0);
	EXPECT_EQ(column(R"({"and":[{"open":true}]})"), 3);
	EXPECT_EQ(column(R"({"or":[{"status":"a"},{"status":"b"}]})"), -1);
	EXPECT_EQ(column(R"({"not":{"status":"a"}})"), -1);
	EXPECT_EQ(column(R"({"due":"2026-01-01"})"), -1); // equal instants may be written differently
	EXPECT_EQ(column(R"({"status":{"neq":"a"}})"), -1);
}

TEST(Filter, refuses_what_it_cannot_mean)
{
	EXPECT_EQ(refusal(R"({"nope":1})"), "column \"nope\" of table \"public.orders\" does not exist");
	EXPECT_EQ(refusal(R"({"id":{"near":1}})"), "unknown operator \"near\"");
	EXPECT_EQ(refusal(R"({"id":{}})"), "no operator given for column \"id\"");
	EXPECT_EQ(refusal(R"({"id":[1]})"), "column \"id\" cannot be compared with an array or object");
	EXPECT_EQ(refusal(R"({"id":{"gt":null}})"), "operator \"gt\" cannot compare with null");
	EXPECT_EQ(refusal(R"({"id":{"in":1}})"), "operator \"in\" needs an array");
	EXPECT_EQ(refusal(R"({"id":{"is":true}})"),
		"operator \"is\" needs null, or for a boolean column true or false");
	EXPECT_EQ(refusal(R"({"secret":"x"})"), "column \"secret\" is excluded from the feed");
	EXPECT_EQ(refusal(R"({"private":"x"})"), "permission denied for column \"private\"");
	EXPECT_EQ(
		refusal(R"({"extra":null})"), "filters on columns of type jsonb are not supported in this version");
	EXPECT_EQ(
		refusal(R"({"status":{"contains":"x"}})"), "operator \"contains\" is not supported in this version");
	EXPECT_EQ(refusal(R"({"status":"a\u0000"})"), "a value must not contain the character U+0000");
	std::string deep = R"({"id":1})";
	for (int i = 0; i < 40; ++i)
		deep = R"({"not":)" + deep + "}";
	EXPECT_EQ(refusal(deep), "the filter is nested too deeply");
}

TEST(Filter, a_pattern_must_not_end_with_its_escape)
{
	for (const char *where : {R"({"status":{"like":"a\\"}})", R"({"status":{"ilike":"\\\\\\"}})"})
		EXPECT_EQ(refusal(where), "LIKE pattern must not end with escape character") << where;
	for (const char *where : {R"({"status":{"like":"a\\\\"}})", R"({"status":{"like":""}})",
			 R"({"status":{"like":"\\a"}})", R"({"status":"a\\"})"})
		EXPECT_EQ(refusal(where), "") << where;
}

TEST(Moment, reads_what_postgresql_puts_into_json)
{
	EXPECT_EQ(parse_moment("2000-01-01"), 0);
	EXPECT_EQ(parse_moment("2000-01-01T00:00:00.5"), 500000);
	EXPECT_EQ(parse_moment("1970-01-01"), -moment_epoch);
	EXPECT_EQ(parse_moment("1999-12-31T23:59:59.999999+00:00"), -1);
	EXPECT_EQ(
		parse_moment("2000-02-29T12:30:15.25+05:30"), (59LL * 86400 + 7 * 3600 + 15) * 1000000 + 250000);
	EXPECT_EQ(parse_moment("0001-12-31 BC"), *parse_moment("0001-01-01") - 86400000000LL);
	EXPECT_EQ(parse_moment("12026-01-01"), *parse_moment("2026-01-01") + 3652425LL * 86400000000LL);
	EXPECT_EQ(parse_moment("1890-01-01T00:00:00-00:44:30"), *parse_moment("1890-01-01T00:44:30"));
	EXPECT_EQ(parse_moment("infinity"), moment_infinity);
	for (const char *bad : {"", "2026", "2026-13-01", "2026-01-01T", "2026-01-01T10", "tomorrow",
			 "2026-01-01x", "2026-01-01T10:00:00.1234567"})
		EXPECT_FALSE(parse_moment(bad)) << bad;
}

TEST(Moment, the_ends_of_what_postgresql_can_hold_keep_their_order)
{
	EXPECT_EQ(parse_moment("294276-12-31T23:59:59.999999"), 9223371331199999999);
	EXPECT_EQ(parse_moment("4714-11-24T00:00:00 BC"), -211813488000000000);
	EXPECT_FALSE(parse_moment("5874897-12-31")); // no timestamp goes as far
	EXPECT_EQ(parse_moment("5874897-12-31", MomentUnit::days), 2145031948);
	EXPECT_EQ(parse_moment("4714-11-24 BC", MomentUnit::days), -2451545);
	EXPECT_EQ(parse_moment("infinity", MomentUnit::days), moment_infinity);
	EXPECT_FALSE(parse_moment("2026-01-01T00:00:00", MomentUnit::days));
}

} // namespace
} // namespace lockstep::hub

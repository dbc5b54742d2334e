#include "wire/answers.hpp"
#include "wire/message.hpp"

#include <gtest/gtest.h>

namespace lockstep::wire
{
namespace
{

template <class Request> Request good(const std::string &text)
{
	auto parsed = parse_message(text);
	if (auto *bad = std::get_if<BadMessage>(&parsed))
		throw std::runtime_error(bad->message);
	return std::get<Request>(std::get<Message>(parsed).request);
}

std::string complaint(const std::string &text)
{
	auto parsed = parse_message(text);
	return std::holds_alternative<BadMessage>(parsed) ? std::get<BadMessage>(parsed).message : "";
}

TEST(Message, hello_may_name_client_and_actor)
{
	const auto hello =
		good<Hello>(R"({"type":"hello","id":1,"token":"ignored","client":"tab","actor":"älice","other":[]})");
	EXPECT_EQ(hello.client, "tab");
	EXPECT_EQ(hello.actor, "älice");
	EXPECT_FALSE(good<Hello>(R"({"type":"hello","client":null})").client);
}

TEST(Message, subscribe_keeps_the_filter_as_it_was_written)
{
	const auto subscribe = good<Subscribe>(
		R"({"type":"subscribe","id":"x","table":"public.orders","where":{"total":{"gt":1e400}},"columns":["id"],"limit":5,"rows":"changed"})");
	EXPECT_EQ(subscribe.where, R"({"total":{"gt":1e400}})");
	EXPECT_EQ(subscribe.columns->at(0), "id");
	EXPECT_TRUE(subscribe.snapshot);
	EXPECT_TRUE(subscribe.changed_only);
	EXPECT_EQ(subscribe.limit, 5U);
	EXPECT_FALSE(subscribe.since);
}

TEST(Message, a_write_may_come_in_numbered_pieces)
{
	const std::string operations = R"("operations":[{"op":"insert","table":"t","row":{}}])";
	const auto whole = good<Write>(R"({"type":"write","id":1,)" + operations + "}");
	EXPECT_FALSE(whole.piece);
	EXPECT_FALSE(whole.more);
	const auto piece = good<Write>(R"({"type":"write","id":1,"piece":3,"more":true,)" + operations + "}");
	EXPECT_EQ(piece.piece, 3U);
	EXPECT_TRUE(piece.more);
	EXPECT_EQ(
		complaint(R"({"type":"write","id":1,"more":true,)" + operations + "}"), "\"more\" needs \"piece\"");
	EXPECT_EQ(complaint(R"({"type":"write","id":1,"piece":-1,)" + operations + "}"),
		"\"piece\" must be a number: 0 for the first piece");
	EXPECT_EQ(good<Cancel>(R"({"type":"cancel","id":2,"write":"x"})").write, "\"x\"");
	EXPECT_EQ(complaint(R"({"type":"cancel","id":2})"), "\"write\" is missing");
}

TEST(Message, values_of_a_write_lose_no_digit)
{
	const auto write = good<Write>(R"({"type":"write","id":1,"mutation":"m","operations":[
		{"op":"update","table":"t","key":{"id":9007199254740993},"version":9007199254740993,"set":{"a":0.10,"b":1e-400}},
		{"op":"insert","table":"t","row":{}},
		{"op":"delete","table":"t","key":{"id":1},"version":"7"}]})");
	ASSERT_EQ(write.operations.size(), 3U);
	EXPECT_EQ(write.operations[0].key, R"({"id":9007199254740993})");
	EXPECT_EQ(write.operations[0].version, "9007199254740993");
	EXPECT_EQ(write.operations[0].values, R"({"a":0.10,"b":1e-400})");
	EXPECT_EQ(write.operations[1].kind, Operation::Kind::insert);
	EXPECT_EQ(write.operations[2].version, "7");
}

TEST(Message, the_id_is_kept_as_it_was_written)
{
	auto parsed = parse_message(R"({"type":"ping","id": 1.50 })");
	EXPECT_EQ(std::get<Message>(parsed).id, "1.50");
	parsed = parse_message(R"({"type":"what","id":"a"})");
	EXPECT_EQ(std::get<BadMessage>(parsed).id, "\"a\"");
}

TEST(Message, says_what_is_wrong)
{
	EXPECT_EQ(complaint("{"), "message is not well-formed JSON");
	EXPECT_EQ(complaint("[]"), "message must be a JSON object");
	EXPECT_EQ(complaint("{}"), "\"type\" is missing");
	EXPECT_EQ(complaint(R"({"type":5})"), "\"type\" must be a string");
	EXPECT_EQ(complaint(R"({"type":"dance"})"), "unknown message type \"dance\"");
	EXPECT_EQ(
		complaint(R"({"type":"lock","id":1})"), "message type \"lock\" is not supported in this version");
	EXPECT_EQ(complaint(R"({"type":"ping","id":{}})"), "\"id\" must be a number or a short string");
	EXPECT_EQ(complaint(R"({"type":"subscribe","table":"t"})"), "\"id\" is missing");
	EXPECT_EQ(complaint(R"({"type":"subscribe","id":1})"), "\"table\" is missing");
	EXPECT_EQ(complaint(R"({"type":"subscribe","id":1,"table":"public.*"})"),
		"table patterns are not supported in this version");
	EXPECT_EQ(
		complaint(R"({"type":"subscribe","id":1,"table":"t","where":[]})"), "\"where\" must be an object");
	EXPECT_EQ(complaint(R"({"type":"subscribe","id":1,"table":"t","columns":[1]})"),
		"\"columns\" must be an array of column names");
	EXPECT_EQ(complaint(R"({"type":"subscribe","id":1,"table":"t","limit":-1})"),
		"\"limit\" must be a number of rows");
	EXPECT_EQ(complaint(R"({"type":"subscribe","id":1,"table":"a\u0000b"})"),
		"\"table\" must not contain the character U+0000");
	EXPECT_EQ(complaint(R"({"type":"write","id":1,"operations":[]})"), "\"operations\" must not be empty");
	EXPECT_EQ(complaint(R"({"type":"write","id":1,"operations":[{"op":"upsert"}]})"),
		"\"op\" must be \"insert\", \"update\" or \"delete\"");
	EXPECT_EQ(complaint(R"({"type":"write","id":1,"operations":[{"op":"update","table":"t","key":{}}]})"),
		"\"set\" is missing");
	EXPECT_EQ(
		complaint(
			R"({"type":"write","id":1,"operations":[{"op":"delete","table":"t","key":{},"version":1.5}]})"),
		"\"version\" must be an integer");
	EXPECT_EQ(complaint(R"({"type":"unsubscribe","id":1})"), "\"subscription\" is missing");
}

TEST(ErrorFrame, splices_detail_that_is_json_and_quotes_what_is_not)
{
	Failure failure{"LS001", "changed", R"({"current": 9007199254740993})", "Read again.", 2};
	EXPECT_EQ(error_frame("7", failure)->payload(),
		R"({"type":"error","id":7,"code":"LS001","message":"changed","detail":{"current": 9007199254740993},"hint":"Read again.","operation":2})");
	failure = {"23505", "duplicate", "Key (id)=(1) exists.", "", std::nullopt};
	EXPECT_EQ(error_frame("", failure)->payload(),
		R"({"type":"error","code":"23505","message":"duplicate","detail":"Key (id)=(1) exists."})");
	failure.detail = "{not json";
	EXPECT_EQ(error_frame("", failure)->payload(),
		R"({"type":"error","code":"23505","message":"duplicate","detail":"{not json"})");
}

} // namespace
} // namespace lockstep::wire

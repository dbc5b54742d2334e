// What the load client counts, and how it sums up.

#include "load/histogram.hpp"
#include "load/message.hpp"
#include "load/options.hpp"
#include "load/receipt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace
{

using namespace lockstep::bench;

using Stamps = std::vector<std::int64_t>;

std::string change(const std::string &stamp, const std::string &op = "update")
{
	return R"({"op":")" + op + R"(","key":{"id":1},"version":2,"row":{"id":1,"sent_ns":)" + stamp +
		R"(,"payload":"x"},"old":{"sent_ns":7}})";
}

std::string changes(const std::vector<std::vector<std::string>> &transactions, const std::string &more = "")
{
	std::string text = R"({"type":"changes","sub":"s1","transactions":[)";
	for (const auto &transaction : transactions) {
		text += text.ends_with('[') ? R"({"xid":"1","changes":[)" : R"(,{"xid":"1","changes":[)";
		for (const std::string &one : transaction)
			text += (text.ends_with('[') ? "" : ",") + one;
		text += "]}";
	}
	return text + "]" + more + R"(,"position":"p1"})";
}

TEST(BenchMessage, counts_each_change_of_each_transaction_and_ignores_old_values)
{
	const Message message =
		understand(changes({{change("100"), change("200", "insert")}, {change("300", "enter")}}));
	EXPECT_EQ(message.type, Message::Type::changes);
	EXPECT_EQ(message.stamps, (Stamps{100, 200, 300}));
	EXPECT_FALSE(message.marker);
	EXPECT_FALSE(message.coalesced);
}

TEST(BenchMessage, is_not_fooled_by_strings_and_documents_that_look_like_changes)
{
	const std::string tricky =
		R"({"op":"update","key":{"id":1},"row":{"payload":"\"row\":{\"sent_ns\":5}","doc":{"type":"changes",)"
		R"("transactions":[{"changes":[{"row":{"sent_ns":6}}]}],"sent_ns":8},"sent_ns":100}})";
	EXPECT_EQ(understand(changes({{tricky}})).stamps, Stamps{100});
	const Message other =
		understand(R"({"type":"status","text":"\"type\":\"changes\"","transactions":[{"changes":[)" +
			change("1") + "]}]}");
	EXPECT_EQ(other.type, Message::Type::other);
	EXPECT_TRUE(other.stamps.empty());
}

TEST(BenchMessage, takes_large_stamps_exactly)
{
	EXPECT_EQ(understand(changes({{change("9007199254740993")}})).stamps, Stamps{9007199254740993});
}

TEST(BenchMessage, leaves_deletes_and_the_marker_out_of_the_stamps)
{
	const Message message =
		understand(changes({{R"({"op":"delete","key":{"id":7},"version":3})", change("-1")}}));
	EXPECT_TRUE(message.stamps.empty());
	EXPECT_TRUE(message.marker);
}

TEST(BenchMessage, knows_coalesced_changes)
{
	EXPECT_TRUE(understand(changes({{change("1")}}, R"(,"coalesced":true)")).coalesced);
}

TEST(BenchMessage, tells_the_last_piece_of_a_snapshot_by_its_own_member)
{
	const Message first =
		understand(R"({"type":"snapshot","rows":[{"last":true,"text":"\"last\":true"}],"last":false})");
	EXPECT_EQ(first.type, Message::Type::snapshot);
	EXPECT_FALSE(first.last);
	EXPECT_TRUE(understand(R"({"type":"snapshot","rows":[],"last":true,"position":"p"})").last);
}

TEST(BenchMessage, calls_malformed_what_is)
{
	for (const char *text :
		{"", "[]", "{", R"({"type":"changes"})", R"({"type":7})", R"({"type":"changes","transactions":[{}]})",
			R"({"type":"changes","transactions":[{"changes":[{"row":{"id":1}}]}]})",
			R"({"type":"changes","transactions":[{"changes":[{"row":{"sent_ns":"5"}}]}]})"})
		EXPECT_EQ(understand(text).type, Message::Type::malformed) << text;
}

TEST(BenchMessageMemory, parses_what_many_clients_receive_once)
{
	MessageMemory memory;
	std::vector<std::string> texts;
	for (int i = 0; i < 300; ++i)
		texts.push_back(changes({{change(std::to_string(1000 + i))}}));
	std::vector<std::uint64_t> places(50);
	for (std::uint64_t &place : places)
		for (std::size_t i = 0; i < texts.size(); ++i)
			EXPECT_EQ(memory.look(texts[i], place).stamps, Stamps{static_cast<std::int64_t>(1000 + i)});
	EXPECT_EQ(memory.parsed(), texts.size());
}

TEST(BenchMessageMemory, understands_a_client_that_stands_elsewhere_or_nowhere_it_remembers)
{
	MessageMemory memory;
	std::uint64_t first = 0, second = 0;
	const std::string a = changes({{change("1")}}), b = changes({{change("2")}}),
					  c = changes({{change("3")}});
	memory.look(a, first);
	memory.look(b, first);
	memory.look(c, first);
	EXPECT_EQ(memory.look(b, second).stamps, Stamps{2}); // missed a
	EXPECT_EQ(memory.look(c, second).stamps, Stamps{3});
	EXPECT_EQ(memory.parsed(), 3u);
	for (int i = 0; i < 3000; ++i) // more than it keeps
		memory.look(changes({{change(std::to_string(10 + i))}}), first);
	EXPECT_EQ(memory.look(a, second).stamps, Stamps{1});
	EXPECT_EQ(memory.look(b, second).stamps, Stamps{2});
}

TEST(BenchReceipt, separates_warm_up_from_what_is_measured)
{
	Receipt receipt;
	Stamps delivered;
	const Message message = understand(changes({{change("99"), change("100"), change("150")}}));
	receipt.take(message, 500, 1000, 100, [&](std::int64_t stamp) { delivered.push_back(stamp); });
	EXPECT_EQ(delivered, (Stamps{100, 150}));
	EXPECT_EQ(receipt.all_changes, 3u);
	EXPECT_EQ(receipt.changes, 2u);
	EXPECT_EQ(receipt.frames, 1u);
	EXPECT_EQ(receipt.bytes, 500u);
	receipt.take(understand(changes({{change("50")}})), 400, 1001, 100, [](std::int64_t) { FAIL(); });
	EXPECT_EQ(receipt.frames, 1u) << "a frame of warm-up only is not measured";
}

TEST(BenchReceipt, notices_a_change_that_is_missing_doubled_or_another)
{
	const auto received = [](const std::vector<std::string> &stamps) {
		Receipt receipt;
		for (const std::string &stamp : stamps)
			receipt.take(understand(changes({{change(stamp)}})), 1, 1, 0, [](std::int64_t) {});
		return receipt;
	};
	const Sent sent{.changes = 3, .stamp_sum = 10 + 20 + 30};
	EXPECT_TRUE(received({"10", "20", "30"}).complete(sent));
	EXPECT_FALSE(received({"10", "20"}).complete(sent));
	EXPECT_FALSE(received({"10", "20", "30", "30"}).complete(sent));
	EXPECT_FALSE(received({"10", "20", "20"}).complete(sent)) << "one doubled and one missing";
}

TEST(BenchReceipt, counts_coalesced_changes_apart_and_calls_nobody_complete_who_got_them)
{
	Receipt receipt;
	receipt.take(understand(changes({{change("10")}})), 1, 1, 0, [](std::int64_t) {});
	receipt.take(understand(changes({{change("20"), change("-1")}}, R"(,"coalesced":true)")), 1, 77, 0,
		[](std::int64_t) { FAIL(); });
	EXPECT_EQ(receipt.changes, 1u);
	EXPECT_EQ(receipt.coalesced, 1u);
	EXPECT_EQ(receipt.marker_ns, 77);
	EXPECT_FALSE(receipt.complete({.changes = 1, .stamp_sum = 10}));
}

TEST(BenchHistogram, keeps_small_values_exactly)
{
	Histogram histogram;
	for (std::uint64_t value = 1; value <= 100; ++value)
		histogram.add(value);
	EXPECT_EQ(histogram.quantile(0), 1u);
	EXPECT_EQ(histogram.quantile(.5), 50u);
	EXPECT_EQ(histogram.quantile(.99), 99u);
	EXPECT_EQ(histogram.quantile(1), 100u);
	EXPECT_EQ(Histogram().quantile(.5), 0u);
}

TEST(BenchHistogram, is_within_half_a_percent_of_the_sorted_values)
{
	std::mt19937_64 random(1);
	std::lognormal_distribution<double> latency(8, 2);
	std::vector<std::uint64_t> values;
	Histogram one, other;
	for (int i = 0; i < 50'000; ++i) {
		values.push_back(static_cast<std::uint64_t>(latency(random)));
		(i % 2 == 0 ? one : other).add(values.back());
	}
	one.merge(other);
	std::sort(values.begin(), values.end());
	EXPECT_EQ(one.total(), values.size());
	EXPECT_EQ(one.max(), values.back());
	for (const double q : {.001, .01, .25, .5, .9, .99, .999}) {
		const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
		const auto exact = static_cast<double>(values[rank - 1]);
		EXPECT_NEAR(static_cast<double>(one.quantile(q)), exact, exact * .005 + .5) << q;
	}
}

TEST(BenchOptions, refuse_what_makes_no_sense)
{
	const std::vector<std::string> good = {"saturate", "--db", "x", "--port", "1", "--table", "t",
		"--clients", "10", "--window", "100", "--seconds", "1.5"};
	Options options;
	EXPECT_EQ(parse_options(good, options), "");
	EXPECT_EQ(options.seconds, 1.5);
	const auto with = [&](std::vector<std::string> more) {
		auto arguments = good;
		arguments.insert(arguments.end(), more.begin(), more.end());
		Options parsed;
		return parse_options(arguments, parsed);
	};
	EXPECT_EQ(with({"--changes", "100"}), "");
	for (const std::vector<std::string> &more :
		std::vector<std::vector<std::string>>{{"--rate", "5"}, {"--clients", "-1"}, {"--clients", "1x"},
			{"--seconds"}, {"--seconds", "0"}, {"--changes", "101"}, {"--writers", "26", "--changes", "4"}})
		EXPECT_NE(with(more), "") << more.front();
	Options parsed;
	EXPECT_NE(parse_options({}, parsed), "");
	EXPECT_NE(parse_options({"latency", "--db", "x"}, parsed), "");
}

} // namespace

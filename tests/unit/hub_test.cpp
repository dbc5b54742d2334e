#include "fixtures.hpp"
#include "hub/hub.hpp"

#include <nlohmann/json.hpp>

#include <random>

namespace lockstep::hub
{
namespace
{

using nlohmann::json;
using test::BatchMaker;
using test::position;
using test::spec;

json parsed(const ChangesPtr &changes)
{
	return json::parse(changes->frame->payload());
}

/// "op id" of each change of a frame.
std::vector<std::string> ops(const ChangesPtr &changes)
{
	std::vector<std::string> result;
	const json frame = parsed(changes);
	for (const json &transaction : frame["transactions"])
		for (const json &change : transaction["changes"])
			result.push_back(change["op"].get<std::string>() +
				(change.contains("key") ? " " + change["key"]["id"].dump() : ""));
	return result;
}

using Ops = std::vector<std::string>;

TEST(Hub, who_asks_for_the_same_shares_one_subscription)
{
	Hub hub;
	const auto one = hub.acquire(spec(R"({"status":"open"})"));
	const auto same = hub.acquire(spec(R"({"status":{"eq":"open"}})"));
	const auto other = hub.acquire(spec(R"({"status":"done"})"));
	EXPECT_EQ(one, same);
	EXPECT_NE(one->name, other->name);
	EXPECT_FALSE(hub.release(one->id));
	EXPECT_TRUE(hub.release(one->id));
	EXPECT_EQ(hub.size(), 1U);
	EXPECT_FALSE(hub.find(one->id));
}

TEST(Hub, the_shape_depends_on_all_that_makes_positions_comparable)
{
	EXPECT_EQ(spec(R"({"status":"a"})")->shape(), spec(R"({"status":{"eq":"a"}})")->shape());
	EXPECT_NE(spec(R"({"status":"a"})")->shape(), spec(R"({"status":"b"})")->shape());
	EXPECT_NE(spec("", {0})->shape(), spec("", {0, 1})->shape());
	EXPECT_NE(spec("", {0}, true)->shape(), spec("", {0}, false)->shape());
}

TEST(Hub, a_frame_holds_the_selected_columns_with_every_digit)
{
	Hub hub;
	const auto subscription = hub.acquire(spec());
	BatchMaker maker(position(10));
	maker.transaction(10).update(R"({"id": 9007199254740993, "open": true, "total": 1.10, "status": "a"})",
		R"({"open": false, "total": 0.1})");
	const auto made = test::frames(hub, maker.batch());
	ASSERT_EQ(made.size(), 1U);
	EXPECT_EQ(made[0]->frame->payload(),
		R"({"type":"changes","sub":"s1","transactions":[{"xid":"10","at":"2026-01-01T00:00:00.000000Z","actor":"bob","client":null,)"
		R"("reason":null,"verified":false,"changes":[{"op":"update","key":{"id": 9007199254740993},"version":2,)"
		R"("row":{"id":9007199254740993,"status":"a","total":1.10},"old":{"total":0.1}}]}],"position":")" +
			position(11)->text() + "\"}");
}

TEST(Hub, rows_enter_and_leave_a_filter)
{
	Hub hub;
	hub.acquire(spec(R"({"status":"open"})"));
	BatchMaker maker(position(10));
	maker.transaction(10)
		.insert(R"({"id": 1, "status": "open"})")
		.insert(R"({"id": 2, "status": "done"})")
		.update(R"({"id": 3, "status": "open"})", R"({"status": "done"})")
		.update(R"({"id": 4, "status": "done"})", R"({"status": "open"})")
		.update(R"({"id": 5, "status": "open"})", R"({"total": 1})")
		.update(R"({"id": 6, "status": "done"})", R"({"total": 1})")
		.erase(R"({"id": 7, "status": "open"})")
		.erase(R"({"id": 8, "status": "done"})");
	const auto made = test::frames(hub, maker.batch());
	ASSERT_EQ(made.size(), 1U);
	EXPECT_EQ(ops(made[0]), (Ops{"insert 1", "enter 3", "leave 4", "update 5", "delete 7"}));
	const json changes = parsed(made[0])["transactions"][0]["changes"];
	EXPECT_FALSE(changes[1].contains("old"));
	EXPECT_FALSE(changes[2].contains("row"));
	EXPECT_FALSE(changes[4].contains("row"));
	EXPECT_EQ(changes[4]["version"], 1);
}

TEST(Hub, a_truncate_goes_to_every_subscription_of_the_table)
{
	Hub hub;
	hub.acquire(spec(R"({"status":"open"})"));
	hub.acquire(spec(R"({"id":5})"));
	BatchMaker maker(position(10));
	maker.transaction(10).truncate();
	const auto made = test::frames(hub, maker.batch());
	ASSERT_EQ(made.size(), 2U);
	EXPECT_EQ(ops(made[0]), Ops{"truncate"});
}

TEST(Hub, nothing_is_built_for_whom_nothing_concerns)
{
	Hub hub;
	hub.acquire(spec(R"({"status":"open"})"));
	BatchMaker maker(position(10));
	maker.transaction(10).insert(R"({"id": 2, "status": "done"})");
	maker.batch().transactions[0].changes[0].relid = 100;
	EXPECT_TRUE(test::frames(hub, maker.batch()).empty());
	BatchMaker other(position(10));
	other.transaction(10).insert(R"({"id": 1, "status": "open"})");
	other.batch().transactions[0].changes[0].relid = 999;
	EXPECT_TRUE(test::frames(hub, other.batch()).empty());
}

TEST(Hub, rows_changed_sends_the_key_and_what_changed)
{
	Hub hub;
	hub.acquire(spec("", {0, 1, 2, 3}, true));
	BatchMaker maker(position(10));
	maker.transaction(10).update(
		R"({"id": 1, "status": "b", "total": 5, "open": true})", R"({"status": "a"})");
	const json row = parsed(test::frames(hub, maker.batch()).at(0))["transactions"][0]["changes"][0]["row"];
	EXPECT_EQ(row, json::parse(R"({"id":1,"status":"b"})"));
}

TEST(Hub, columns_whose_names_json_escapes_are_found_among_what_changed)
{
	Table table = *test::orders();
	table.columns[1].name = "sta\"t\\us";
	table.index();
	Hub hub;
	hub.acquire(std::make_shared<const Spec>(
		std::make_shared<const Table>(table), std::vector<int>{0, 1, 2}, true, Condition{}, "", true));
	BatchMaker maker(position(10));
	maker.transaction(10).update(R"({"id": 1, "sta\"t\\us": "b", "total": 5})", R"({"sta\"t\\us": "a"})");
	const json change = parsed(test::frames(hub, maker.batch()).at(0))["transactions"][0]["changes"][0];
	EXPECT_EQ(change["row"], json::parse(R"({"id":1,"sta\"t\\us":"b"})"));
	EXPECT_EQ(change["old"], json::parse(R"({"sta\"t\\us":"a"})"));
}

TEST(Hub, an_image_that_cannot_be_judged_makes_its_subscription_fetch_anew)
{
	Hub hub;
	const auto subscription = hub.acquire(spec(R"({"or":[{"status":"open"}]})"));
	const auto unconditional = hub.acquire(spec());
	BatchMaker maker(position(10));
	maker.transaction(10).insert(R"({"id": 1})");
	Judgement judgement(maker.batch());
	judgement.judge(hub.interests());
	EXPECT_EQ(judgement.blind(), std::vector<Subscription *>{subscription.get()});
	const auto made = judgement.write(1000, {});
	ASSERT_EQ(made.size(), 1U);
	EXPECT_EQ(made[0]->subscription, unconditional->id);
}

TEST(Hub, answers_of_the_database_decide_what_is_sent)
{
	Hub hub;
	hub.acquire(spec(R"({"total":{"gt":5}})"));
	BatchMaker maker(position(10));
	maker.transaction(10)
		.insert(R"({"id": 1, "total": 6, "status": null})")
		.update(R"({"id": 2, "total": 6})", R"({"total": 1})")
		.update(R"({"id": 3, "total": 1})", R"({"total": 6})");
	Judgement judgement(maker.batch());
	judgement.judge(hub.interests());
	ASSERT_EQ(judgement.questions().size(), 1U);
	Question &question = judgement.questions()[0];
	ASSERT_EQ(question.images.size(), 5U);
	for (const std::string &image : question.images)
		question.answers.push_back(json::parse(image)["total"] == 6);
	EXPECT_EQ(ops(judgement.write(10000, {}).at(0)), (Ops{"insert 1", "enter 2", "leave 3"}));
}

TEST(Hub, the_index_finds_exactly_those_that_trying_each_filter_finds)
{
	std::mt19937 random(17);
	Hub hub;
	std::vector<SubscriptionPtr> all;
	const std::vector<std::string> states = {"a", "b", "c", "d"};
	for (int i = 0; i < 40; ++i) {
		std::string where;
		switch (random() % 5) {
		case 0:
			where = R"({"status":")" + states[random() % 4] + "\"}";
			break;
		case 1:
			where = R"({"status":{"in":[")" + states[random() % 4] + "\",\"" + states[random() % 4] + "\"]}}";
			break;
		case 2:
			where = R"({"id":)" + std::to_string(random() % 10) + R"(,"open":true})";
			break;
		case 3:
			where = R"({"id":{"lt":)" + std::to_string(random() % 10) + "}}";
			break;
		default:
			where = R"({"or":[{"status":null},{"id":3}]})";
		}
		all.push_back(hub.acquire(spec(where, {0, 1, static_cast<int>(random() % 2) + 2})));
	}
	auto row = [&](int id) {
		return "{\"id\": " + std::to_string(id) + ", \"open\": " + (random() % 2 ? "true" : "false") +
			", \"status\": " + (random() % 5 == 0 ? "null" : "\"" + states[random() % 4] + "\"") + "}";
	};
	for (int round = 0; round < 300; ++round) {
		if (round % 50 == 49) {
			hub.release(all.back()->id);
			all.pop_back();
		}
		const int id = static_cast<int>(random() % 10);
		const std::string before = row(id);
		const std::string after = row(id);
		BatchMaker maker(position(10));
		maker.transaction(10).update(after, before);
		std::map<SubscriptionId, std::string> expected;
		for (const SubscriptionPtr &subscription : all) {
			RowImage old_image;
			RowImage new_image;
			old_image.assign(*test::orders(), before);
			new_image.assign(*test::orders(), after);
			const bool was = subscription->spec->filter().judge(old_image) == Filter::Verdict::yes;
			const bool is = subscription->spec->filter().judge(new_image) == Filter::Verdict::yes;
			if (was || is)
				expected[subscription->id] = (was && is   ? "update "
													 : is ? "enter "
														  : "leave ") +
					std::to_string(id);
		}
		std::map<SubscriptionId, std::string> found;
		for (const ChangesPtr &changes : test::frames(hub, maker.batch())) {
			ASSERT_EQ(ops(changes).size(), 1U);
			ASSERT_TRUE(found.emplace(changes->subscription, ops(changes)[0]).second);
		}
		ASSERT_EQ(found, expected) << before << after;
	}
}

TEST(ChangesFrame, whole_transactions_share_a_frame_until_it_is_full)
{
	Hub hub;
	hub.acquire(spec());
	BatchMaker maker(position(10));
	for (wire::Xid xid = 10; xid < 20; ++xid)
		maker.transaction(xid).insert(R"({"id": 1, "status": ")" + std::string(100, 'x') + "\"}");
	maker.batch().after = position(50);
	const auto made = test::frames(hub, maker.batch(), 1000);
	ASSERT_GT(made.size(), 1U);
	wire::PositionPtr reached = position(10);
	wire::Xid next = 10;
	for (const ChangesPtr &changes : made) {
		EXPECT_LE(changes->frame->payload().size(), 1000U);
		EXPECT_FALSE(changes->more);
		EXPECT_EQ(changes->before->text(), reached->text());
		reached = changes->after;
		EXPECT_EQ(parsed(changes)["position"], reached->text());
		const json frame = parsed(changes);
		for (const json &transaction : frame["transactions"])
			EXPECT_EQ(transaction["xid"], std::to_string(next++));
		if (changes != made.back()) { // right behind its last transaction
			EXPECT_EQ(reached->text(), position(next)->text());
		}
	}
	EXPECT_EQ(next, 20U);
	EXPECT_EQ(reached->text(), position(50)->text());
}

TEST(ChangesFrame, a_transaction_larger_than_a_frame_comes_in_pieces)
{
	Hub hub;
	hub.acquire(spec());
	BatchMaker maker(position(10));
	maker.transaction(10).insert(R"({"id": 0})");
	maker.transaction(11);
	for (int i = 1; i <= 30; ++i)
		maker.insert(R"({"id": )" + std::to_string(i) + R"(, "status": ")" + std::string(100, 'x') + "\"}");
	maker.transaction(12).insert(R"({"id": 99})");
	const auto made = test::frames(hub, maker.batch(), 1000);
	ASSERT_GT(made.size(), 4U);
	std::vector<std::string> all;
	for (std::size_t i = 0; i < made.size(); ++i) {
		const json frame = parsed(made[i]);
		for (const std::string &op : ops(made[i]))
			all.push_back(op);
		const bool piece = i > 0 && i + 2 < made.size(); // all pieces of transaction 11 but the last
		EXPECT_EQ(made[i]->more, piece) << i;
		EXPECT_EQ(frame.contains("more"), piece);
		EXPECT_EQ(frame["transactions"].size(), 1U);
		if (piece) { // who resumes here gets the whole transaction
			EXPECT_EQ(frame["position"], position(11)->text());
		}
	}
	EXPECT_EQ(parsed(made[made.size() - 2])["position"], position(12)->text());
	ASSERT_EQ(all.size(), 32U);
	for (int i = 0; i <= 30; ++i)
		EXPECT_EQ(all[static_cast<std::size_t>(i)], "insert " + std::to_string(i));
}

TEST(ChangesFrame, leaves_out_what_a_session_has_seen)
{
	Hub hub;
	hub.acquire(spec());
	BatchMaker maker(position(10));
	for (wire::Xid xid = 10; xid < 14; ++xid)
		maker.transaction(xid).insert(R"({"id": )" + std::to_string(xid) + "}");
	const auto shared = test::frames(hub, maker.batch()).at(0);
	const auto seen = position(13, {11}); // 10 and 12, not 11
	const auto own = without(*shared, seen);
	ASSERT_TRUE(own);
	EXPECT_EQ(ops(own), (Ops{"insert 11", "insert 13"}));
	EXPECT_EQ(parsed(own)["position"], position(14)->text());
	EXPECT_EQ(own->before->text(), seen->text());
	EXPECT_FALSE(without(*shared, position(20)));
	EXPECT_EQ(without(*own, position(12))->slices.size(), 1U); // slices of the copy are right too
	EXPECT_EQ(ops(without(*own, position(12))), (Ops{"insert 13"}));
}

TEST(Columns, default_to_what_may_be_read_and_always_hold_the_key)
{
	const auto all = std::get<std::vector<int>>(choose_columns(*test::orders(), std::nullopt));
	EXPECT_EQ(all, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
	const auto some = std::get<std::vector<int>>(
		choose_columns(*test::orders(), std::vector<std::string>{"total", "status", "total"}));
	EXPECT_EQ(some, (std::vector<int>{0, 1, 2}));
	for (const char *name : {"nope", "secret", "private"})
		EXPECT_TRUE(std::holds_alternative<FilterError>(
			choose_columns(*test::orders(), std::vector<std::string>{name})))
			<< name;
}

} // namespace
} // namespace lockstep::hub

#include "fixtures.hpp"
#include "net/tail.hpp"

#include <nlohmann/json.hpp>

#include <random>
#include <set>

namespace lockstep::net
{
namespace
{

using nlohmann::json;
using test::position;
using Phase = Tail::Phase;
using Work = Tail::Work;

/// A subscription whose shared frames tests make: one transaction each.
class TailTest : public testing::Test {
protected:
	TailTest() { subscription_ = hub_.acquire(test::spec()); }

	hub::ChangesPtr frame(wire::Xid xid, wire::PositionPtr before, wire::PositionPtr after)
	{
		test::BatchMaker maker(std::move(before));
		maker.transaction(xid).insert(R"({"id": 1})");
		maker.batch().after = std::move(after);
		return test::frames(hub_, maker.batch()).at(0);
	}
	static std::vector<std::string> xids(const hub::ChangesPtr &changes)
	{
		std::vector<std::string> result;
		if (!changes)
			return result;
		const json frame = json::parse(changes->frame->payload());
		for (const json &transaction : frame["transactions"])
			result.push_back(transaction["xid"]);
		return result;
	}

	hub::Hub hub_;
	hub::SubscriptionPtr subscription_;
	Tail tail_{1, "s1", 100000};
};

using Xids = std::vector<std::string>;

TEST_F(TailTest, holds_frames_back_while_a_snapshot_is_read)
{
	tail_.hold(1, Work::snapshot, position(10));
	EXPECT_FALSE(tail_.take(frame(10, position(10), position(11))));
	EXPECT_FALSE(tail_.take(frame(11, position(11), position(12))));
	const auto sent = tail_.settle(position(11), position(12)); // the snapshot saw 10, not 11
	ASSERT_EQ(sent.size(), 1U);
	EXPECT_EQ(xids(sent[0]), Xids{"11"});
	EXPECT_EQ(tail_.phase(), Phase::live);
}

TEST_F(TailTest, leaves_out_what_the_snapshot_saw_until_the_feed_has_caught_up)
{
	tail_.hold(1, Work::snapshot, position(10));
	EXPECT_TRUE(
		tail_.settle(position(13, {11}), position(10)).empty()); // 10 and 12 are in the snapshot, 11 is not
	EXPECT_EQ(tail_.phase(), Phase::settling);
	EXPECT_FALSE(tail_.take(frame(10, position(10), position(11))));
	tail_.advance(position(11));
	EXPECT_EQ(tail_.phase(), Phase::settling);
	const auto eleven = tail_.take(frame(11, position(11), position(12)));
	EXPECT_EQ(xids(eleven), Xids{"11"});
	EXPECT_EQ(json::parse(eleven->frame->payload())["position"],
		position(13)->text()); // with 12, which it has seen
	tail_.advance(position(12));
	EXPECT_FALSE(tail_.take(frame(12, position(12), position(13))));
	tail_.advance(position(13));
	EXPECT_EQ(tail_.phase(), Phase::live);
	const auto shared = frame(13, position(13), position(14));
	EXPECT_EQ(tail_.take(shared), shared); // the very same bytes
}

TEST_F(TailTest, too_much_while_holding_is_read_from_the_log_later)
{
	Tail small(1, "s1", 300);
	small.hold(1, Work::snapshot, position(10));
	for (wire::Xid xid = 10; xid < 20; ++xid)
		EXPECT_FALSE(small.take(frame(xid, position(xid), position(xid + 1))));
	EXPECT_EQ(small.held_bytes(), 0U);
	EXPECT_TRUE(small.settle(position(12), position(20)).empty());
	EXPECT_EQ(small.phase(), Phase::lapsed);
	EXPECT_EQ(small.resume()->text(), position(12)->text());
}

TEST_F(TailTest, a_lapsed_tail_takes_nothing_until_it_is_caught_up)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.lapse(position(10));
	EXPECT_FALSE(tail_.take(frame(10, position(10), position(11))));
	tail_.hold(2, Work::catch_up, position(10)); // reads what came up to 11
	EXPECT_EQ(tail_.resume()->text(), position(10)->text());
	EXPECT_FALSE(tail_.take(frame(11, position(11), position(12))));
	const auto sent = tail_.settle(position(11), position(12));
	ASSERT_EQ(sent.size(), 1U);
	EXPECT_EQ(xids(sent[0]), Xids{"11"});
	EXPECT_EQ(tail_.phase(), Phase::live);
}

TEST_F(TailTest, a_resume_does_not_pay_what_is_owed_from_before)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.lapse(position(10));
	// A second subscribe, from a position that has seen something else.
	tail_.hold(2, Work::resume, position(12), position(12, {9}));
	EXPECT_EQ(tail_.reads_from()->text(), position(12, {9})->text());
	EXPECT_TRUE(tail_.settle(position(14), position(14)).empty());
	EXPECT_EQ(tail_.phase(), Phase::lapsed);
	EXPECT_EQ(tail_.resume()->text(), position(10)->text());
}

TEST_F(TailTest, a_snapshot_pays_everything)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.lapse(position(10));
	tail_.hold(2, Work::snapshot, position(10));
	tail_.settle(position(14), position(14));
	EXPECT_EQ(tail_.phase(), Phase::live);
}

TEST_F(TailTest, a_resume_reads_for_all_who_share_the_tail)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	// Ahead of what the others got: it reads from where they are.
	tail_.hold(2, Work::resume, position(10), position(12));
	EXPECT_EQ(tail_.reads_from()->text(), position(10)->text());
	EXPECT_FALSE(tail_.take(frame(10, position(10), position(11)))); // which the work reads too
	EXPECT_TRUE(tail_.settle(position(12), position(11)).empty());
	tail_.advance(position(12));
	EXPECT_EQ(tail_.phase(), Phase::live);
	// Behind the others, who are owed something: it pays for them.
	tail_.lapse(position(12));
	tail_.hold(3, Work::resume, position(14), position(11));
	EXPECT_EQ(tail_.reads_from()->text(), position(11)->text());
	tail_.settle(position(14), position(14));
	EXPECT_EQ(tail_.phase(), Phase::live);
}

TEST_F(TailTest, goes_on_from_where_it_stood_when_work_is_called_off)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(12), position(10));
	tail_.hold(2, Work::snapshot, position(10)); // while it was settling
	EXPECT_FALSE(tail_.take(frame(11, position(11), position(12))));
	EXPECT_FALSE(tail_.take(frame(12, position(12), position(13))));
	auto sent = tail_.call_off(position(13));
	ASSERT_EQ(sent.size(), 1U); // it has seen 11
	EXPECT_EQ(xids(sent[0]), Xids{"12"});
	EXPECT_EQ(tail_.phase(), Phase::live);
	tail_.hold(3, Work::snapshot, position(13)); // while it was live
	EXPECT_FALSE(tail_.take(frame(13, position(13), position(14))));
	sent = tail_.call_off(position(14));
	ASSERT_EQ(sent.size(), 1U);
	EXPECT_EQ(xids(sent[0]), Xids{"13"});
	EXPECT_EQ(tail_.phase(), Phase::live);
	tail_.lapse(position(12));
	tail_.hold(4, Work::snapshot, position(14));
	EXPECT_TRUE(tail_.call_off(position(14)).empty());
	EXPECT_EQ(tail_.phase(), Phase::lapsed);
	EXPECT_EQ(tail_.resume()->text(), position(12)->text());
}

TEST_F(TailTest, work_called_off_after_too_much_came_is_followed_by_a_catch_up)
{
	Tail small(1, "s1", 300);
	small.hold(1, Work::snapshot, position(10));
	small.settle(position(10), position(10));
	small.hold(2, Work::snapshot, position(10));
	for (wire::Xid xid = 10; xid < 20; ++xid)
		EXPECT_FALSE(small.take(frame(xid, position(xid), position(xid + 1))));
	EXPECT_TRUE(small.call_off(position(20)).empty());
	EXPECT_EQ(small.phase(), Phase::lapsed);
	EXPECT_EQ(small.resume()->text(), position(10)->text());
}

TEST_F(TailTest, losing_what_was_sent_before_a_snapshot_does_not_matter_once_it_is_done)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.hold(2, Work::snapshot, position(14));
	EXPECT_FALSE(tail_.lose(1, position(11)));
	EXPECT_EQ(tail_.phase(), Phase::holding); // the snapshot goes on
	tail_.settle(position(14), position(14));
	EXPECT_EQ(tail_.phase(), Phase::live);
	EXPECT_FALSE(tail_.lose(1, position(12)));
	EXPECT_EQ(tail_.phase(), Phase::live);
	EXPECT_TRUE(tail_.lose(2, position(15)));
	EXPECT_EQ(tail_.resume()->text(), position(15)->text());
}

TEST_F(TailTest, losing_what_was_sent_before_a_snapshot_matters_when_it_is_called_off)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.hold(2, Work::snapshot, position(14));
	EXPECT_FALSE(tail_.lose(1, position(11)));
	EXPECT_TRUE(tail_.call_off(position(14)).empty());
	EXPECT_EQ(tail_.phase(), Phase::lapsed);
	EXPECT_EQ(tail_.resume()->text(), position(11)->text());
}

TEST_F(TailTest, a_resume_pays_for_losses_behind_its_start_only)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.hold(2, Work::resume, position(20), position(15));
	EXPECT_FALSE(tail_.lose(1, position(16)));
	tail_.settle(position(20), position(20));
	EXPECT_EQ(tail_.phase(), Phase::live);
	EXPECT_FALSE(tail_.lose(1, position(17)));
	EXPECT_EQ(tail_.phase(), Phase::live);

	tail_.hold(3, Work::resume, position(20), position(15));
	EXPECT_FALSE(tail_.lose(1, position(12)));
	EXPECT_EQ(tail_.phase(), Phase::holding);
	tail_.settle(position(20), position(20));
	EXPECT_EQ(tail_.phase(), Phase::lapsed);
	EXPECT_EQ(tail_.resume()->text(), position(12)->text());
	EXPECT_TRUE(tail_.lose(3, position(21))); // the older loss counts
	EXPECT_EQ(tail_.resume()->text(), position(12)->text());
}

TEST_F(TailTest, a_resume_that_became_a_snapshot_leaves_nothing_owed)
{
	tail_.hold(1, Work::snapshot, position(10));
	tail_.settle(position(10), position(10));
	tail_.lapse(position(10));
	tail_.hold(2, Work::resume, position(12), position(12, {9}));
	tail_.start_over();
	EXPECT_TRUE(tail_.refetching());
	tail_.settle(position(14), position(14));
	EXPECT_EQ(tail_.phase(), Phase::live);
	EXPECT_FALSE(tail_.lose(1, position(10)));
}

TEST_F(TailTest, nothing_but_a_snapshot_ends_a_refetch)
{
	tail_.hold(1, Work::snapshot, position(10));
	EXPECT_FALSE(tail_.refetching()); // nobody was told to wait for it
	tail_.settle(position(10), position(10));
	tail_.hold(2, Work::refetch, position(12));
	EXPECT_TRUE(tail_.refetching());
	EXPECT_FALSE(tail_.lose(1, position(10)));
	tail_.hold(3, Work::snapshot, position(12));
	EXPECT_TRUE(tail_.refetching());
	EXPECT_FALSE(tail_.reached(position(12)));
	tail_.settle(position(12), position(12));
	EXPECT_FALSE(tail_.refetching());
}

/// Any interleaving of the feed with snapshots: each transaction is in the snapshot or sent, and never both.
TEST_F(TailTest, every_transaction_arrives_exactly_once)
{
	std::mt19937 random(23);
	for (int round = 0; round < 400; ++round) {
		Tail tail(1, "s1", random() % 4 == 0 ? 600 : 100000);
		std::set<wire::Xid> has;     // the client
		wire::Xid next = 10;         // transactions commit in this order; the feed reads one at a time
		wire::Xid feed = 10;         // the next that the feed will read
		wire::Xid work_seen = 0;     // what the work under way reads up to
		wire::Xid catch_up_from = 0; // 0: a snapshot
		Ticket ticket = 0;
		auto receive = [&](const hub::ChangesPtr &changes) {
			for (const std::string &xid : xids(changes))
				ASSERT_TRUE(has.insert(std::stoul(xid)).second) << "twice: " << xid;
		};
		auto begin = [&] {
			if (tail.phase() == Phase::lapsed) {
				catch_up_from = 10;
				while (tail.resume()->sees(catch_up_from))
					++catch_up_from;
				tail.hold(++ticket, Work::catch_up, position(feed));
				work_seen = std::max(catch_up_from, feed); // the union: it may be ahead of the feed already
			} else {
				tail.hold(++ticket, Work::snapshot, position(feed));
				catch_up_from = 0;
				work_seen = 0;
			}
		};
		begin();
		bool working = true;
		for (int step = 0; step < 60; ++step) {
			switch (random() % 5) {
			case 0:
				++next;
				break;
			case 1:
			case 2:
				if (feed < next) {
					receive(tail.take(frame(feed, position(feed), position(feed + 1))));
					++feed;
					tail.advance(position(feed));
				}
				break;
			case 3:
				if (working) {
					if (catch_up_from == 0) { // the snapshot is taken now, and may be ahead of the feed
						has.clear();
						for (wire::Xid xid = 10; xid < next; ++xid)
							has.insert(xid);
						work_seen = next;
					} else {
						for (wire::Xid xid = catch_up_from; xid < work_seen; ++xid)
							ASSERT_TRUE(has.insert(xid).second) << "twice: " << xid;
					}
					for (const auto &changes : tail.settle(position(work_seen), position(feed)))
						receive(changes);
					working = false;
				}
				break;
			default:
				if (!working && random() % 3 == 0) {
					if (tail.phase() == Phase::live && random() % 2)
						tail.lapse(position(feed)); // dropped from here on, nothing yet
					begin();
					working = true;
				}
			}
		}
		// At rest everything is there.
		while (working || tail.phase() != Phase::live || feed < next) {
			if (feed < next) {
				receive(tail.take(frame(feed, position(feed), position(feed + 1))));
				++feed;
				tail.advance(position(feed));
				continue;
			}
			if (!working)
				begin();
			if (catch_up_from == 0) {
				has.clear();
				for (wire::Xid xid = 10; xid < next; ++xid)
					has.insert(xid);
				work_seen = next;
			} else {
				for (wire::Xid xid = catch_up_from; xid < work_seen; ++xid)
					ASSERT_TRUE(has.insert(xid).second);
			}
			for (const auto &changes : tail.settle(position(work_seen), position(feed)))
				receive(changes);
			working = false;
		}
		ASSERT_EQ(has.size(), next - 10);
	}
}

} // namespace
} // namespace lockstep::net

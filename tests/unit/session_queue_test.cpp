// What a session queues for its client, what it drops for a slow one, and how that one catches up.
#include "session_stand.hpp"

namespace lockstep::net
{
namespace
{

TEST_F(SessionTest, no_more_is_read_while_large_writes_pile_up)
{
	settings_.max_write_bytes = 20000;
	desk_.hold_writes = true;
	Client client(shard_, http_);
	client.upgrade();
	client.say({{"type", "hello"}, {"id", 1}});
	EXPECT_EQ(client.message()["type"], "welcome");
	constexpr int writes = 60;
	for (int id = 2; id < writes + 2; ++id)
		client.say({{"type", "write"}, {"id", id},
			{"operations",
				{{{"op", "insert"}, {"table", "t"}, {"row", {{"text", std::string(4500, 'x')}}}}}}});
	Client other(shard_, http_);
	other.upgrade();
	other.say({{"type", "hello"}, {"id", 1}});
	EXPECT_EQ(other.message()["type"], "welcome");
	for (int n = 0; n < 200; ++n) { // the shard turns to its sessions again and again
		other.say({{"type", "ping"}, {"id", 2}});
		EXPECT_EQ(other.message()["type"], "pong");
	}
	const int taken = desk_.release_writes();
	EXPECT_GE(taken, 5);
	EXPECT_LT(taken, writes);
	for (int id = 2; id < writes + 2; ++id)
		EXPECT_EQ(client.message()["id"], id);
}

TEST_F(SessionTest, all_who_share_a_subscription_get_the_same_bytes)
{
	Client one(shard_, http_);
	Client other(shard_, http_);
	one.subscribe();
	other.subscribe();
	const auto made = delivery(10);
	shard_.deliver(made);
	EXPECT_EQ(one.frame().second, made->changes[0]->frame->payload());
	EXPECT_EQ(other.frame().second, made->changes[0]->frame->payload());
}

TEST_F(SessionTest, a_slow_session_goes_on_from_where_its_queue_was_cut)
{
	Client slow(shard_, http_);
	Client quick(shard_, http_);
	slow.subscribe();
	quick.subscribe();
	for (wire::Xid xid = 10; xid < 60; ++xid) {
		shard_.deliver(delivery(xid, 20000));
		EXPECT_EQ(xid_of(quick.message()), std::to_string(xid)); // nobody waits for the slow one
	}
	EXPECT_GE(metrics_.behind, 1U);
	wire::Xid next = 10;
	json message = slow.message();
	while (message["type"] == "changes") {
		ASSERT_EQ(xid_of(message), std::to_string(next++));
		message = slow.message();
	}
	ASSERT_EQ(message["type"], "behind");
	EXPECT_LT(next, 60U);
	EXPECT_EQ(desk_.wait_for("catch_up"), "catch_up " + position(next)->text());
	EXPECT_EQ(slow.message()["type"], "caught_up");
	shard_.deliver(delivery(60));
	EXPECT_EQ(xid_of(slow.message()), "60");
}

TEST_F(SessionTest, a_queue_that_is_dropped_as_a_whole_is_caught_up_too)
{
	Client client(shard_, http_);
	client.subscribe();
	shard_.deliver(delivery(10, 300000, 20000)); // more than the queue holds, in one go
	EXPECT_EQ(client.message()["type"], "behind");
	EXPECT_EQ(desk_.wait_for("catch_up"), "catch_up " + position(10)->text());
	EXPECT_EQ(client.message()["type"], "caught_up");
}

TEST_F(SessionTest, what_is_dropped_from_before_a_second_snapshot_is_not_caught_up)
{
	Client client(shard_, http_);
	client.subscribe();
	desk_.wait_for("attached");
	for (wire::Xid xid = 10; xid < 14; ++xid)
		shard_.deliver(delivery(xid, 20000)); // the socket takes a part of it
	client.say({{"type", "subscribe"}, {"id", 3}, {"table", "slow"}});
	desk_.wait_for("attached");
	shard_.deliver(delivery(14, 90000)); // kept back; too much together with what is queued
	desk_.settle_slow(position(14));
	json message = client.message();
	while (message["type"] == "changes")
		message = client.message();
	EXPECT_EQ(message["type"], "subscribed");
	EXPECT_EQ(client.message()["type"], "part");
	EXPECT_EQ(client.message()["type"], "behind");
	EXPECT_EQ(desk_.wait_for("catch_up"), "catch_up " + position(14)->text());
	EXPECT_EQ(client.message()["type"], "caught_up");
}

} // namespace
} // namespace lockstep::net

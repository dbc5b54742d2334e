// What a subscription goes through while others join it, fail, resume, or are told to fetch anew.
#include "session_stand.hpp"

namespace lockstep::net
{
namespace
{

TEST_F(SessionTest, a_refetch_reaches_those_who_take_snapshots_and_those_who_do_not)
{
	Client client(shard_, http_);
	client.subscribe();
	Client other(shard_, http_);
	other.upgrade();
	other.say({{"type", "hello"}, {"id", 1}});
	other.say({{"type", "subscribe"}, {"id", 5}, {"table", "t"}, {"snapshot", false}});
	other.message();
	other.message();
	shard_.refetch(1, "because");
	EXPECT_EQ(client.message()["reason"], "because");
	EXPECT_EQ(other.message()["type"], "refetch");
	EXPECT_EQ(desk_.wait_for("refetch"), "refetch 2");
	shard_.deliver(delivery(10));
	EXPECT_EQ(
		xid_of(other.message()), "10"); // it reads by itself, and goes on; the other waits for its snapshot
	client.say({{"type", "ping"}, {"id", 9}});
	EXPECT_EQ(client.message()["type"], "pong");
}

TEST_F(SessionTest, a_refetch_waits_for_the_answer_to_the_subscribe)
{
	Client client(shard_, http_);
	client.upgrade();
	client.say({{"type", "hello"}, {"id", 1}});
	client.message();
	client.say({{"type", "subscribe"}, {"id", 2}, {"table", "undecided"}});
	desk_.wait_for("attached");
	shard_.refetch(1, "because");
	client.say({{"type", "ping"}, {"id", 9}});
	EXPECT_EQ(client.message()["type"], "pong"); // a name that it was not told would mean nothing to it
	desk_.confirm_slow();
	EXPECT_EQ(client.message()["type"], "subscribed");
	EXPECT_EQ(client.message()["reason"], "because");
	EXPECT_EQ(desk_.wait_for("refetch"), "refetch 2");
}

TEST_F(SessionTest, a_refused_subscribe_leaves_the_one_that_shares_its_subscription_as_it_was)
{
	Client client(shard_, http_);
	client.subscribe();
	client.say({{"type", "subscribe"}, {"id", 3}, {"table", "refused"}});
	EXPECT_EQ(client.message()["type"], "error");
	shard_.deliver(delivery(10));
	EXPECT_EQ(xid_of(client.message()), "10");
}

TEST_F(SessionTest, a_subscribe_that_the_client_ended_and_that_failed_does_not_silence_another)
{
	Client client(shard_, http_);
	client.subscribe();
	client.say({{"type", "subscribe"}, {"id", 3}, {"table", "undecided"}});
	desk_.wait_for("attached"); // the first
	desk_.wait_for("attached");
	client.say({{"type", "unsubscribe"}, {"id", 4}, {"subscription", 3}});
	EXPECT_EQ(client.message()["type"], "ok");
	desk_.refuse_slow();
	shard_.deliver(delivery(10));
	EXPECT_EQ(xid_of(client.message()), "10");
}

TEST_F(SessionTest, a_refused_subscribe_does_not_take_the_snapshot_of_a_refetch_with_it)
{
	Client client(shard_, http_);
	client.subscribe();
	shard_.refetch(1, "because");
	EXPECT_EQ(client.message()["type"], "refetch");
	EXPECT_EQ(desk_.wait_for("refetch"), "refetch 2");
	client.say({{"type", "subscribe"}, {"id", 3}, {"table", "refused"}});
	EXPECT_EQ(client.message()["type"], "error");
	EXPECT_EQ(desk_.wait_for("refetch"), "refetch 2"); // again
}

TEST_F(SessionTest, a_resume_brings_the_snapshot_that_a_refetch_owes)
{
	Client client(shard_, http_);
	client.subscribe();
	shard_.refetch(1, "because");
	EXPECT_EQ(client.message()["type"], "refetch");
	client.say({{"type", "subscribe"}, {"id", 3}, {"table", "t"}, {"since", position(9)->text()}});
	EXPECT_EQ(client.message()["type"], "subscribed");
	EXPECT_EQ(client.message()["reason"], "owed");
	EXPECT_EQ(desk_.wait_for("attached refetch"), "attached refetch null");
	desk_.settle_slow(position(10));
	EXPECT_EQ(client.message()["type"], "part"); // not superseded
	shard_.deliver(delivery(10));
	EXPECT_EQ(xid_of(client.message()), "10");
}

TEST_F(SessionTest, a_subscribe_without_a_snapshot_leaves_a_running_subscription_alone)
{
	Client client(shard_, http_);
	client.subscribe();
	client.say({{"type", "subscribe"}, {"id", 3}, {"table", "t"}, {"snapshot", false}});
	EXPECT_EQ(client.message()["type"], "subscribed");
	EXPECT_EQ(desk_.wait_for("attached running"), "attached running " + position(10)->text());
	desk_.settle_slow(position(11)); // what the feed has judged, but not delivered yet
	shard_.deliver(delivery(10));
	EXPECT_EQ(xid_of(client.message()), "10");
}

TEST_F(SessionTest, nothing_comes_after_unsubscribe)
{
	Client client(shard_, http_);
	client.subscribe();
	client.say({{"type", "unsubscribe"}, {"id", 3}, {"subscription", 2}});
	EXPECT_EQ(client.message(), (json{{"type", "ok"}, {"id", 3}}));
	EXPECT_EQ(desk_.wait_for("unsubscribe"), "unsubscribe 2");
	shard_.deliver(delivery(10));
	client.say({{"type", "ping"}, {"id", 4}});
	EXPECT_EQ(client.message()["type"], "pong");
	client.say({{"type", "unsubscribe"}, {"id", 5}, {"subscription", 2}});
	EXPECT_EQ(client.message()["code"], "bad_request");
}

} // namespace
} // namespace lockstep::net

// A connection from its first request to its goodbye: what is answered, and what is refused.
#include "base/time.hpp"
#include "session_stand.hpp"

namespace lockstep::net
{
namespace
{

TEST_F(SessionTest, http_and_then_a_socket_on_one_connection)
{
	Client client(shard_, http_);
	EXPECT_TRUE(client.request("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
	ready_ = false;
	Client other(shard_, http_);
	EXPECT_TRUE(other.request("HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 503 "));
	other.upgrade();
	other.say({{"type", "hello"}, {"id", 1}});
	EXPECT_EQ(other.message()["type"], "welcome");
}

TEST_F(SessionTest, only_hello_is_answered_before_welcome)
{
	Client client(shard_, http_);
	client.upgrade();
	client.say({{"type", "ping"}, {"id", 1}});
	client.say({{"type", "subscribe"}, {"id", 2}, {"table", "t"}});
	client.say({{"type", "nonsense"}, {"id", 2}});
	client.say(json::array());
	client.say({{"type", "hello"}, {"id", 2}, {"client", 7}});
	EXPECT_EQ(client.message()["type"], "error"); // a hello, and the first that is answered
	client.say({{"type", "hello"}, {"id", 3}, {"actor", "alice"}, {"client", "tab"}});
	const json welcome = client.message();
	EXPECT_EQ(welcome["type"], "welcome");
	EXPECT_EQ(welcome["id"], 3);
	EXPECT_EQ(welcome["actor"], "alice");
	EXPECT_EQ(welcome["client"], "tab");
	EXPECT_EQ(welcome["position"], position(10)->text());
	client.say({{"type", "write"}, {"id", 4},
		{"operations", {{{"op", "insert"}, {"table", "t"}, {"row", json::object()}}}}});
	EXPECT_EQ(client.message()["actor"], "alice");
}

TEST_F(SessionTest, a_write_that_comes_in_pieces_is_one_write)
{
	Client client(shard_, http_);
	client.subscribe();
	const json operation = {{"op", "insert"}, {"table", "t"}, {"row", json::object()}};
	auto piece = [&](int number, bool more) {
		client.say({{"type", "write"}, {"id", 7}, {"piece", number}, {"more", more},
			{"operations", {operation, operation}}});
	};
	piece(0, true);
	EXPECT_EQ(client.message(), (json{{"type", "received"}, {"id", 7}, {"operations", 2}}));
	piece(1, false);
	EXPECT_EQ(client.message(), (json{{"type", "received"}, {"id", 7}, {"operations", 4}}));
	EXPECT_EQ(client.message()["type"], "written");
	EXPECT_EQ(desk_.wait_for("write"), "write of 4");

	// A piece that cannot be read takes the whole write with it: what follows is no write of its own.
	piece(0, true);
	EXPECT_EQ(client.message()["type"], "received");
	client.say({{"type", "write"}, {"id", 7}, {"piece", 1}, {"more", true}, {"operations", json::array()}});
	EXPECT_EQ(client.message()["code"], "bad_request");
	piece(2, false);
	EXPECT_EQ(client.message()["code"], "bad_request");

	piece(0, true);
	EXPECT_EQ(client.message()["type"], "received");
	client.say({{"type", "cancel"}, {"id", 8}, {"write", 7}});
	const json error = client.message();
	EXPECT_EQ(error["id"], 7);
	EXPECT_EQ(error["code"], "cancelled");
	EXPECT_EQ(client.message()["type"], "ok");
	client.say({{"type", "cancel"}, {"id", 9}, {"write", 7}}); // not here any more: the desk may have it
	EXPECT_EQ(client.message()["type"], "ok");
	EXPECT_EQ(desk_.wait_for("cancel"), "cancel 7");
}

TEST_F(SessionTest, a_pong_tells_the_time)
{
	Client client(shard_, http_);
	client.subscribe();
	const std::string before = iso_time(std::chrono::system_clock::now());
	client.say({{"type", "ping"}, {"id", 3}});
	const std::string time = client.message()["time"];
	EXPECT_LE(before, time);
	EXPECT_LE(time, iso_time(std::chrono::system_clock::now()));
}

TEST_F(SessionTest, violations_close_with_their_code)
{
	Client large(shard_, http_);
	large.upgrade();
	large.send(0x81, std::string(6000, ' '));
	EXPECT_EQ(large.message()["code"], 1009);
	Client garbled(shard_, http_);
	garbled.upgrade();
	garbled.send(0x81, "\xFF");
	EXPECT_EQ(garbled.message()["code"], 1007);
	Client binary(shard_, http_);
	binary.upgrade();
	binary.send(0x82, "x");
	EXPECT_EQ(binary.message()["code"], 1003);
}

TEST_F(SessionTest, goodbye_comes_before_the_close)
{
	Client client(shard_, http_);
	client.subscribe();
	shard_.say_goodbye();
	const json goodbye = client.message();
	EXPECT_EQ(goodbye["type"], "goodbye");
	EXPECT_EQ(goodbye["reason"], "restart");
	EXPECT_EQ(client.message()["code"], 1012);
	client.send(0x88, std::string("\x03\xF4", 2));
	EXPECT_EQ(desk_.wait_for("closed"), "closed");
	EXPECT_EQ(shard_.sessions(), 0U);
}

} // namespace
} // namespace lockstep::net

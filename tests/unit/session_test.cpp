// Sessions on a real shard and real sockets, with a desk that needs no database.
#include "base/time.hpp"
#include "fixtures.hpp"
#include "net/http.hpp"
#include "net/session.hpp"
#include "net/shard.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include <condition_variable>
#include <mutex>

namespace lockstep::net
{
namespace
{

using asio::ip::tcp;
using nlohmann::json;
using test::position;

constexpr std::chrono::seconds patience{10};

/// Answers each subscribe at once with subscription 1, as if the client had all up to position 10; refuses those for
/// "refused", and leaves those for "slow" to settle_slow() and those for "undecided" to refuse_slow(). Notes the rest.
class FakeDesk : public Desk {
public:
	void subscribe(SessionPtr session, std::string id, wire::Subscribe request) override
	{
		const Ticket ticket = next_ticket();
		Session::Start start{
			id, 1, "s1", ticket, request.snapshot && !request.since, nullptr, request.snapshot};
		if (request.since)
			start.since = wire::Position::parse(*request.since);
		session->attach(start, [this, session, id, ticket, request](const Session::Attached &attached) {
			note("attached " + std::string(attached.running ? "running " : "") +
				(attached.refetch ? "refetch " : "") + (attached.from ? attached.from->text() : "null"));
			if (request.table == "refused") {
				session->refuse(id, wire::bad_request("refused"));
				session->call_off(1, ticket);
				return;
			}
			const std::lock_guard lock(mutex_);
			slow_ = {session, id, ticket};
			if (request.table == "undecided")
				return;
			session->confirm(id, wire::Answer("subscribed", id).text("sub", "s1").seal());
			if (attached.refetch)
				session->start_over(1, ticket, wire::refetch_frame("s1", "owed"));
			else if (!attached.running && request.table != "slow")
				session->settle(1, ticket, position(10));
		});
	}
	/// Ends the work of the subscribe that came last.
	void settle_slow(const wire::PositionPtr &seen)
	{
		const std::lock_guard lock(mutex_);
		slow_.session->send_part(1, slow_.ticket, wire::Answer("part").seal());
		slow_.session->settle(1, slow_.ticket, seen);
	}
	void confirm_slow()
	{
		const std::lock_guard lock(mutex_);
		slow_.session->confirm(slow_.id, wire::Answer("subscribed", slow_.id).text("sub", "s1").seal());
	}
	void refuse_slow()
	{
		const std::lock_guard lock(mutex_);
		slow_.session->refuse(slow_.id, wire::bad_request("refused"));
		slow_.session->call_off(1, slow_.ticket);
	}
	void unsubscribe(SessionPtr, std::string id) override { note("unsubscribe " + id); }
	void write(SessionPtr session, Identity identity, std::string id, wire::Write request) override
	{
		note("write of " + std::to_string(request.operations.size()));
		const std::lock_guard lock(mutex_);
		++writes_;
		auto answer = [session,
						  frame = wire::Answer("written", id).optional("actor", identity.actor).seal()] {
			session->answer(frame);
		};
		if (hold_writes)
			held_writes_.emplace_back(answer);
		else
			answer();
	}
	std::atomic<bool> hold_writes{false};
	/// Answers what was held; returns how many writes came so far.
	int release_writes()
	{
		const std::lock_guard lock(mutex_);
		hold_writes = false;
		for (const auto &answer : std::exchange(held_writes_, {}))
			answer();
		return writes_;
	}
	void cancel(SessionPtr, std::string id) override { note("cancel " + id); }
	void refetch(SessionPtr, hub::SubscriptionId, Ticket, std::string id) override { note("refetch " + id); }
	void catch_up(SessionPtr session, hub::SubscriptionId subscription, Ticket ticket, std::string, bool,
		wire::PositionPtr since, wire::PositionPtr upto) override
	{
		note("catch_up " + since->text());
		session->send_part(subscription, ticket, wire::Answer("caught_up").seal());
		session->settle(subscription, ticket, upto);
	}
	void closed(SessionPtr) override { note("closed"); }

	/// Waits until that was noted, and takes it off.
	std::string wait_for(const std::string &prefix)
	{
		std::unique_lock lock(mutex_);
		std::vector<std::string>::iterator found;
		const bool came = changed_.wait_for(lock, patience, [&] {
			found = std::find_if(notes_.begin(), notes_.end(),
				[&](const std::string &text) { return text.starts_with(prefix); });
			return found != notes_.end();
		});
		if (!came)
			return "nothing";
		std::string text = *found;
		notes_.erase(found);
		return text;
	}

private:
	void note(std::string text)
	{
		const std::lock_guard lock(mutex_);
		notes_.push_back(std::move(text));
		changed_.notify_all();
	}

	std::mutex mutex_;
	std::condition_variable changed_;
	std::vector<std::string> notes_;
	std::vector<std::function<void()>> held_writes_;
	int writes_ = 0;
	struct Slow {
		SessionPtr session;
		std::string id;
		Ticket ticket = 0;
	} slow_;
};

/// A client that reads only when told to.
class Client {
public:
	Client(Shard &shard, const HttpContext &http)
		: acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0))
	{
		socket_.open(tcp::v4());
		socket_.set_option(
			asio::socket_base::receive_buffer_size(4096)); // before connecting, or the window is large
		socket_.connect(acceptor_.local_endpoint());
		tcp::socket served(shard.context());
		acceptor_.accept(served);
		served.set_option(asio::socket_base::send_buffer_size(4096));
		timeval limit{patience.count(), 0};
		::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		asio::co_spawn(
			shard.context(),
			[served = std::move(served), &shard, &http]() mutable {
				return serve_http(std::move(served), shard, http);
			},
			asio::detached);
	}

	std::string request(const std::string &text)
	{
		asio::write(socket_, asio::buffer(text));
		const std::size_t size = asio::read_until(socket_, asio::dynamic_buffer(received_), "\r\n\r\n");
		std::string head = received_.substr(0, size);
		received_.erase(0, size);
		return head;
	}
	void upgrade()
	{
		const std::string head = request(
			"GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
		ASSERT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
	}
	void say(const json &message) { send(0x81, message.dump()); }
	void send(unsigned char first, const std::string &payload)
	{
		std::string frame(1, static_cast<char>(first));
		if (payload.size() < 126) {
			frame += static_cast<char>(0x80U | payload.size());
		} else {
			frame += static_cast<char>(0xFE);
			frame += static_cast<char>(payload.size() >> 8U);
			frame += static_cast<char>(payload.size());
		}
		frame += std::string(4, '\0') + payload; // a mask of zeros
		asio::write(socket_, asio::buffer(frame));
	}
	/// The next frame: its opcode and payload.
	std::pair<int, std::string> frame()
	{
		need(2);
		const int opcode = received_[0] & 0x0F;
		std::size_t size = static_cast<unsigned char>(received_[1]);
		std::size_t header = 2;
		if (size >= 126) {
			const std::size_t width = size == 126 ? 2 : 8;
			need(2 + width);
			size = 0;
			for (std::size_t i = 0; i < width; ++i)
				size = size << 8U | static_cast<unsigned char>(received_[2 + i]);
			header += width;
		}
		need(header + size);
		std::string payload = received_.substr(header, size);
		received_.erase(0, header + size);
		return {opcode, payload};
	}
	json message()
	{
		auto [opcode, payload] = frame();
		while (opcode == 9)
			std::tie(opcode, payload) = frame();
		if (opcode == 8)
			return {{"type", "CLOSE"},
				{"code",
					static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1])}};
		return json::parse(payload);
	}
	void subscribe()
	{
		upgrade();
		say({{"type", "hello"}, {"id", 1}});
		say({{"type", "subscribe"}, {"id", 2}, {"table", "t"}});
		EXPECT_EQ(message()["type"], "welcome");
		EXPECT_EQ(message()["type"], "subscribed");
	}

private:
	void need(std::size_t size)
	{
		if (received_.size() < size)
			asio::read(
				socket_, asio::dynamic_buffer(received_), asio::transfer_at_least(size - received_.size()));
	}

	asio::io_context context_;
	tcp::acceptor acceptor_;
	tcp::socket socket_{context_};
	std::string received_;
};

class SessionTest : public testing::Test {
protected:
	SessionTest()
	{
		settings_.max_queue_bytes = 100000;
		settings_.max_message_bytes = 5000;
		shard_.database_status(true);
		shard_.deliver(std::make_shared<const hub::Delivery>(hub::Delivery{position(10), position(10), {}}));
		shard_.start();
		subscription_ = hub_.acquire(test::spec());
	}
	~SessionTest() override { shard_.stop(); }

	/// One transaction's frames for subscription 1, of about `bytes`.
	hub::DeliveryPtr delivery(wire::Xid xid, std::size_t bytes = 10, std::size_t max_frame_bytes = 1 << 20)
	{
		test::BatchMaker maker(position(xid));
		maker.transaction(xid);
		for (std::size_t left = bytes; left > 0; left -= std::min<std::size_t>(left, 1000))
			maker.insert(
				R"({"id": 1, "status": ")" + std::string(std::min<std::size_t>(left, 1000), 'x') + "\"}");
		auto result = std::make_shared<hub::Delivery>();
		result->before = position(xid);
		result->after = position(xid + 1);
		result->changes = test::frames(hub_, maker.batch(), max_frame_bytes);
		return result;
	}
	static std::string xid_of(const json &changes) { return changes["transactions"][0]["xid"]; }

	Settings settings_;
	Metrics metrics_;
	std::atomic<bool> ready_{true};
	HttpContext http_{settings_, metrics_, ready_};
	FakeDesk desk_;
	hub::Hub hub_;
	hub::SubscriptionPtr subscription_;
	Shard shard_{settings_, metrics_, desk_};
};

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

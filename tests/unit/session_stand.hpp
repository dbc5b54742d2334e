// A real shard with real sockets, and a desk that needs no database: what the tests of sessions stand on.
#pragma once

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

using asio::ip::tcp;
using nlohmann::json;
using test::position;

inline constexpr std::chrono::seconds patience{10};

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
	/// A session must not outlive its shard.
	void forget()
	{
		std::unique_lock lock(mutex_);
		const Slow slow = std::exchange(slow_, {});
		const auto writes = std::exchange(held_writes_, {});
		lock.unlock(); // whoever ends with them may note something
	}

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
	~SessionTest() override
	{
		shard_.stop();
		desk_.forget();
	}

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

} // namespace lockstep::net

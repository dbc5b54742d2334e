// One client's WebSocket.
#pragma once

#include "base/signal.hpp"
#include "hub/changes_frame.hpp"
#include "net/desk.hpp"
#include "net/outbox.hpp"
#include "net/shard.hpp"
#include "net/tail.hpp"
#include "net/write_gatherer.hpp"
#include "wire/answers.hpp"
#include "wire/frame_reader.hpp"
#include "wire/message.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::net
{

/// One connection after its upgrade. Lives on its shard's thread; what is said to be for any thread posts there.
class Session : public std::enable_shared_from_this<Session> {
public:
	Session(Shard &shard, asio::ip::tcp::socket socket);
	~Session();

	/// `early`: bytes that came together with the upgrade request.
	void start(std::string early);

	// Any thread.
	/// The answer to a write.
	void answer(wire::FramePtr frame);
	/// How far a write has come.
	void tell(wire::FramePtr frame);
	/// The answer to the subscribe `id`, unless the client has ended that already.
	void confirm(std::string id, wire::FramePtr frame);
	/// A subscribe that the client has ended before it was answered is done with.
	void dismiss();
	/// The answer to a subscribe that failed.
	void refuse(std::string id, wire::Failure failure);
	/// How a subscribe begins.
	struct Start {
		std::string id;
		hub::SubscriptionId subscription = 0;
		std::string name;
		Ticket ticket = 0;       // of the work that will bring it
		bool snapshot = false;   // all rows …
		wire::PositionPtr since; // … or what came since; null: only what will come
		bool snapshots = false;  // may the bridge send snapshots where the client has to fetch anew?
	};
	/// What became of it.
	struct Attached {
		bool joined = false;    // otherwise the client has ended it already
		bool running = false;   // there is nothing to be done: the subscription goes on as before
		bool refetch = false;   // a snapshot is owed to others, which this work has to bring
		bool snapshots = false; // as above, of all who share it
		wire::PositionPtr from; // from where the work has to read; running: what the client will have got
	};
	/// `then` is called on the session's shard.
	void attach(Start start, std::function<void(const Attached &)> then);
	/// The same for `executor`.
	static asio::awaitable<Attached> attached(
		SessionPtr session, Start start, asio::any_io_executor executor);
	/// A frame of that work; dropped where the work was superseded.
	void send_part(hub::SubscriptionId subscription, Ticket ticket, wire::FramePtr frame);
	/// The client has to fetch anew, as `frame` tells it: the work brings a snapshot from now on.
	void start_over(hub::SubscriptionId subscription, Ticket ticket, wire::FramePtr frame);
	/// The work will not be done; whoever shares the subscription goes on as before.
	void call_off(hub::SubscriptionId subscription, Ticket ticket);
	/// The work is done; the client has all that `seen` sees.
	void settle(hub::SubscriptionId subscription, Ticket ticket, wire::PositionPtr seen);
	/// The work cannot go on: the subscription ends.
	void abandon(hub::SubscriptionId subscription, Ticket ticket, wire::Failure failure);
	/// Waits, on `executor`, until little is left to send. False where the work has become pointless: superseded, or
	/// the subscription or the session ended.
	static asio::awaitable<bool> drained(
		SessionPtr session, hub::SubscriptionId subscription, Ticket ticket, asio::any_io_executor executor);
	/// The client does not take what it asked for, and holds up others by that: the session ends.
	void give_up(std::string reason);
	/// How much the client has been sent so far.
	std::uint64_t sent_bytes() const { return sent_bytes_.load(std::memory_order_relaxed); }
	bool gone() const { return gone_.load(std::memory_order_relaxed); }

	// The shard's thread, for the shard.
	void take(Tail &tail, const hub::ChangesPtr &changes);
	/// The feed reached its shard's position. True where all tails are live.
	bool advance();
	void refetch(Tail &tail, const std::string &reason);
	void end_subscription(hub::SubscriptionId subscription, const wire::Failure &failure);
	void send(wire::FramePtr frame);
	void flush();
	void tick(std::chrono::steady_clock::time_point now);
	void close(std::uint16_t code, std::string reason);
	std::vector<Tail *> tails();
	std::size_t queued_bytes() const { return outbox_.bytes(); }

private:
	struct Subscribed {
		std::unique_ptr<Tail> tail;
		std::vector<std::string> ids; // of the subscribes that share it
		bool snapshots = false;       // may the bridge send snapshots when the client has to fetch anew?
		bool announced = false;       // does the client know the subscription's name?
		std::string refetch_reason;   // why it shall fetch anew, once it knows it
	};

	asio::awaitable<void> read(std::string early);
	bool feed(std::span<const char> bytes);
	void handle(wire::Incoming incoming);
	void handle_text(const std::string &text);
	void handle_request(std::string id, wire::Request request);
	void greet(const std::string &id, wire::Hello hello);
	void subscribe(std::string id, wire::Subscribe request);
	void unsubscribe(const std::string &id, const wire::Unsubscribe &request);
	void write(std::string id, wire::Write piece);
	void cancel(const std::string &id, const wire::Cancel &request);
	void remove(std::map<hub::SubscriptionId, Subscribed>::iterator at);
	Attached attach_now(const Start &start);
	void resume_feed(const Tail &tail, const std::vector<hub::ChangesPtr> &kept);
	void order_snapshot(hub::SubscriptionId subscription, Subscribed &entry);
	Subscribed *current(hub::SubscriptionId subscription, Ticket ticket);
	void fall_behind();
	void catch_up_lapsed();
	void on_drained();
	void request_done();
	void wait_writable();
	bool reading_paused() const;
	bool work_piled_up() const;
	/// With no more than this in its queue, a session takes the next part of a snapshot: half of the queue, so that most
	/// snapshots never wait for a slow client.
	std::size_t drained_bytes() const { return shard_.settings().max_queue_bytes / 2; }
	void hang_up();

	Shard &shard_;
	asio::ip::tcp::socket socket_;
	wire::FrameReader reader_;
	Outbox outbox_;
	WriteGatherer unfinished_writes_;
	Signal resume_reading_;
	Identity identity_;
	std::map<std::string, hub::SubscriptionId>
		requests_; // id of a subscribe → its subscription (0: not known yet)
	std::map<hub::SubscriptionId, Subscribed> subscribed_;
	std::vector<std::function<void()>> drain_waiters_;
	std::size_t pending_ = 0;             // requests at the desk
	std::deque<std::size_t> write_sizes_; // of the writes among them, which are answered in their order
	std::size_t write_bytes_ = 0;         // their sum
	std::chrono::steady_clock::time_point last_heard_;
	std::chrono::steady_clock::time_point last_heartbeat_;
	std::chrono::steady_clock::time_point last_taken_; // bytes, by the client
	std::optional<std::chrono::steady_clock::time_point> close_by_;
	bool greeted_ = false;
	bool waiting_writable_ = false;
	bool in_dirty_ = false;
	bool reading_waits_ = false;
	bool lapsed_ = false; // some tail is
	bool closing_ = false;
	bool close_heard_ = false;
	std::atomic<bool> gone_{false};
	std::atomic<std::uint64_t> sent_bytes_{0};

	friend class Shard; // in_dirty_
};

} // namespace lockstep::net

// A thread that serves a part of the sessions.
#pragma once

#include "base/metrics.hpp"
#include "base/signal.hpp"
#include "hub/hub.hpp"
#include "net/desk.hpp"
#include "net/tail.hpp"
#include "settings/settings.hpp"
#include "wire/answers.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <memory>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lockstep::net
{

/// Runs an event loop on a thread of its own, and hands each delivery to the sessions whose subscriptions it concerns.
/// What is said to be for any thread is; everything else is for the shard's thread only.
class Shard {
public:
	Shard(const Settings &settings, Metrics &metrics, Desk &desk);

	// Any thread; what one thread says arrives in its order.
	void deliver(hub::DeliveryPtr delivery);
	/// All sessions with this subscription are told to fetch anew, and get a snapshot where they asked for one.
	void refetch(hub::SubscriptionId subscription, std::string reason);
	/// Whatever was read before no longer counts: the feed begins again at `position`.
	void restart_feed(std::string reason, wire::PositionPtr position);
	void end_subscription(hub::SubscriptionId subscription, wire::Failure failure);
	void database_status(bool connected);
	/// Says goodbye to all; sessions that come later are turned away.
	void say_goodbye();
	std::size_t sessions() const { return session_count_.load(); }

	void start();
	void stop();
	asio::io_context &context() { return context_; }

	// The shard's thread, for its sessions.
	void enter(const SessionPtr &session);
	void leave(Session &session);
	void join(hub::SubscriptionId subscription, Session &session, Tail &tail);
	void part(hub::SubscriptionId subscription, Session &session);
	/// The session has tails that are not live: it is told how far the feed is.
	void unsettled(Session &session) { unsettled_.insert(&session); }
	void dirty(Session &session);
	const wire::PositionPtr &position() const { return position_; }
	const wire::FramePtr &position_frame();
	bool connected() const { return connected_; }
	bool closing() const { return closing_; }
	std::array<char, 65536> &scratch() { return scratch_; }
	const Settings &settings() const { return settings_; }
	Metrics &metrics() { return metrics_; }
	Desk &desk() { return desk_; }

private:
	struct Member {
		Session *session;
		Tail *tail;
	};

	void hand_out(const hub::Delivery &delivery);
	void flush_dirty();
	void tick();

	const Settings &settings_;
	Metrics &metrics_;
	Desk &desk_;
	asio::io_context context_{1};
	asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
	asio::steady_timer ticker_{context_};
	std::thread thread_;
	std::atomic<std::size_t> session_count_{0};

	std::unordered_set<SessionPtr> sessions_;
	std::unordered_map<hub::SubscriptionId, std::vector<Member>> members_;
	std::unordered_set<Session *> unsettled_;
	std::vector<Session *> dirty_;
	bool flush_posted_ = false;
	wire::PositionPtr position_;
	wire::FramePtr position_frame_;
	bool connected_ = false;
	bool closing_ = false;
	std::int64_t counted_queue_bytes_ = 0;
	std::array<char, 65536> scratch_{};
};

/// All shards. Thread-safe once they are started.
class Shards {
public:
	Shards(const Settings &settings, Metrics &metrics, Desk &desk);

	/// Calls `action` with each shard.
	template <class Action> void each(Action action)
	{
		for (const std::unique_ptr<Shard> &shard : shards_)
			action(*shard);
	}
	/// The one for the next connection. Only from one thread.
	Shard &next();
	std::size_t sessions() const;

private:
	std::vector<std::unique_ptr<Shard>> shards_;
	std::size_t turn_ = 0;
};

} // namespace lockstep::net

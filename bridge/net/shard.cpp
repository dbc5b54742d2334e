#include "net/shard.hpp"

#include "base/log.hpp"
#include "net/session.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <pthread.h>
#include <random>
#include <signal.h>

namespace lockstep::net
{

Shard::Shard(const Settings &settings, Metrics &metrics, Desk &desk)
	: settings_(settings), metrics_(metrics), desk_(desk)
{
}

void Shard::start()
{
	thread_ = std::thread([this] {
		// Signals belong to the core thread.
		sigset_t all;
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, nullptr);
		tick();
		context_.run();
	});
}

void Shard::stop()
{
	context_.stop();
	if (thread_.joinable())
		thread_.join();
}

void Shard::deliver(hub::DeliveryPtr delivery)
{
	asio::post(context_, [this, delivery = std::move(delivery)] { hand_out(*delivery); });
}

void Shard::hand_out(const hub::Delivery &delivery)
{
	for (const hub::ChangesPtr &changes : delivery.changes) {
		const auto found = members_.find(changes->subscription);
		if (found == members_.end())
			continue;
		for (const Member &member : found->second)
			member.session->take(*member.tail, changes);
	}
	if (position_ != delivery.after) {
		position_ = delivery.after;
		position_frame_ = nullptr;
	}
	std::erase_if(unsettled_, [](Session *session) { return session->advance(); });
}

void Shard::dirty(Session &session)
{
	if (session.in_dirty_)
		return;
	session.in_dirty_ = true;
	dirty_.push_back(&session);
	if (flush_posted_)
		return;
	// Behind all deliveries that wait already: when the shard is late, a session gets several frames in one call.
	flush_posted_ = true;
	asio::post(context_, [this] { flush_dirty(); });
}

void Shard::flush_dirty()
{
	flush_posted_ = false;
	// A session that ends while it is flushed takes itself out of the list.
	while (!dirty_.empty()) {
		Session *session = dirty_.back();
		dirty_.pop_back();
		session->in_dirty_ = false;
		session->flush();
	}
}

void Shard::refetch(hub::SubscriptionId subscription, std::string reason)
{
	asio::post(context_, [this, subscription, reason = std::move(reason)] {
		const auto found = members_.find(subscription);
		if (found == members_.end())
			return;
		for (const Member &member : found->second)
			member.session->refetch(*member.tail, reason);
	});
}

void Shard::restart_feed(std::string reason, wire::PositionPtr position)
{
	asio::post(context_, [this, reason = std::move(reason), position = std::move(position)] {
		position_ = position;
		position_frame_ = nullptr;
		for (const SessionPtr &session : sessions_)
			for (Tail *tail : session->tails())
				session->refetch(*tail, reason);
	});
}

void Shard::end_subscription(hub::SubscriptionId subscription, wire::Failure failure)
{
	asio::post(context_, [this, subscription, failure = std::move(failure)] {
		const auto found = members_.find(subscription);
		if (found == members_.end())
			return;
		const std::vector<Member> members = found->second; // ending changes the list
		for (const Member &member : members)
			member.session->end_subscription(subscription, failure);
	});
}

void Shard::database_status(bool connected)
{
	asio::post(context_, [this, connected] {
		if (connected_ == connected)
			return;
		connected_ = connected;
		const wire::FramePtr frame = wire::status_frame(connected);
		for (const SessionPtr &session : sessions_)
			session->send(frame);
	});
}

void Shard::say_goodbye()
{
	asio::post(context_, [this] {
		closing_ = true;
		std::mt19937 random{std::random_device{}()};
		const std::unordered_set<SessionPtr> sessions = sessions_; // closing changes the set
		for (const SessionPtr &session : sessions) {
			// Each client its own moment, so that they do not come back all at once.
			session->send(wire::goodbye_frame(std::uniform_int_distribution<unsigned>(200, 1500)(random)));
			session->close(1012, "restart");
		}
	});
}

void Shard::enter(const SessionPtr &session)
{
	sessions_.insert(session);
	++session_count_;
	++metrics_.clients;
	++metrics_.connections;
}

void Shard::leave(Session &session)
{
	unsettled_.erase(&session);
	if (session.in_dirty_)
		std::erase(dirty_, &session);
	session.in_dirty_ = false;
	if (sessions_.erase(session.shared_from_this()) == 0)
		return;
	--session_count_;
	--metrics_.clients;
}

void Shard::join(hub::SubscriptionId subscription, Session &session, Tail &tail)
{
	members_[subscription].push_back({&session, &tail});
}

void Shard::part(hub::SubscriptionId subscription, Session &session)
{
	const auto found = members_.find(subscription);
	if (found == members_.end())
		return;
	std::erase_if(found->second, [&session](const Member &member) { return member.session == &session; });
	if (found->second.empty())
		members_.erase(found);
}

const wire::FramePtr &Shard::position_frame()
{
	if (!position_frame_ && position_)
		position_frame_ = wire::position_frame(position_->text());
	return position_frame_;
}

void Shard::tick()
{
	const auto now = std::chrono::steady_clock::now();
	const std::vector<SessionPtr> sessions(sessions_.begin(), sessions_.end()); // some may end
	std::int64_t bytes = 0;
	for (const SessionPtr &session : sessions) {
		session->tick(now);
		bytes += static_cast<std::int64_t>(session->queued_bytes());
	}
	metrics_.queue_bytes += bytes - counted_queue_bytes_;
	counted_queue_bytes_ = bytes;
	ticker_.expires_after(std::chrono::seconds(1));
	ticker_.async_wait([this](error_code error) {
		if (!error)
			tick();
	});
}

Shards::Shards(const Settings &settings, Metrics &metrics, Desk &desk)
{
	for (std::size_t i = 0; i < settings.shards; ++i)
		shards_.push_back(std::make_unique<Shard>(settings, metrics, desk));
}

Shard &Shards::next()
{
	return *shards_[turn_++ % shards_.size()];
}

std::size_t Shards::sessions() const
{
	std::size_t sum = 0;
	for (const std::unique_ptr<Shard> &shard : shards_)
		sum += shard->sessions();
	return sum;
}

} // namespace lockstep::net

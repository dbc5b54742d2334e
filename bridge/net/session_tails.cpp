// The part of a session that is about its subscriptions: what the hub and the desk bring.
#include "base/log.hpp"
#include "base/uuid.hpp"
#include "net/session.hpp"
#include "version.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace lockstep::net
{

void Session::greet(const std::string &id, wire::Hello hello)
{
	if (identity_.session.empty())
		identity_.session = random_uuid();
	if (hello.client && !hello.client->empty())
		identity_.client = std::move(*hello.client);
	else if (identity_.client.empty())
		identity_.client = random_uuid();
	if (hello.actor && !hello.actor->empty())
		identity_.actor = std::move(hello.actor);

	wire::Answer welcome("welcome", id);
	welcome.raw("protocol", "1")
		.raw("features", R"(["subscribe","snapshot","resume","write","write_pieces"])")
		.text("session", identity_.session)
		.text("client", identity_.client)
		.optional("actor", identity_.actor)
		.raw("verified", "false")
		.raw("heartbeat_seconds", std::to_string(shard_.settings().heartbeat.count()))
		.raw("max_message_bytes", std::to_string(shard_.settings().max_message_bytes))
		.raw("max_write_bytes", std::to_string(shard_.settings().max_write_bytes));
	if (shard_.position())
		welcome.text("position", shard_.position()->text());
	else
		welcome.raw("position", "null");
	welcome.text("server", "lockstep-bridge " LOCKSTEP_VERSION);
	send(welcome.seal());
	if (!std::exchange(greeted_, true)) {
		log::debug("session began", log::Field("session", identity_.session),
			log::Field("client", identity_.client), log::Field("actor", identity_.actor.value_or("")));
		if (!shard_.connected())
			send(wire::status_frame(false));
	}
}

void Session::request_done()
{
	--pending_;
	if (std::exchange(reading_waits_, false))
		resume_reading_.notify_all();
}

void Session::answer(wire::FramePtr frame)
{
	asio::post(socket_.get_executor(), [self = shared_from_this(), frame = std::move(frame)] {
		self->write_bytes_ -= self->write_sizes_.front();
		self->write_sizes_.pop_front();
		self->request_done();
		self->send(frame);
	});
}

void Session::tell(wire::FramePtr frame)
{
	asio::post(
		socket_.get_executor(), [self = shared_from_this(), frame = std::move(frame)] { self->send(frame); });
}

void Session::dismiss()
{
	asio::post(socket_.get_executor(), [self = shared_from_this()] { self->request_done(); });
}

void Session::confirm(std::string id, wire::FramePtr frame)
{
	asio::post(
		socket_.get_executor(), [self = shared_from_this(), id = std::move(id), frame = std::move(frame)] {
			self->request_done();
			const auto request = self->requests_.find(id);
			if (request == self->requests_.end())
				return;
			self->send(frame);
			const auto at = self->subscribed_.find(request->second);
			if (at == self->subscribed_.end())
				return;
			at->second.announced = true;
			const std::string reason = std::exchange(at->second.refetch_reason, {});
			if (!reason.empty())
				self->refetch(*at->second.tail, reason);
		});
}

void Session::refuse(std::string id, wire::Failure failure)
{
	asio::post(socket_.get_executor(),
		[self = shared_from_this(), id = std::move(id), failure = std::move(failure)] {
			self->request_done();
			const auto found = self->requests_.find(id);
			if (found == self->requests_.end())
				return; // the client has ended it already
			const auto at = self->subscribed_.find(found->second);
			self->requests_.erase(found);
			if (at != self->subscribed_.end()) {
				std::erase(at->second.ids, id);
				if (at->second.ids.empty())
					self->remove(at);
			}
			self->shard_.metrics().count_error(failure.code);
			self->send(wire::error_frame(id, failure));
		});
}

Session::Attached Session::attach_now(const Start &start)
{
	const auto request = requests_.find(start.id);
	if (gone_ || request == requests_.end())
		return {}; // the client has changed its mind
	request->second = start.subscription;
	Subscribed &entry = subscribed_[start.subscription];
	const bool shared = entry.tail != nullptr;
	if (!shared) {
		entry.tail =
			std::make_unique<Tail>(start.subscription, start.name, shard_.settings().max_queue_bytes);
		shard_.join(start.subscription, *this, *entry.tail);
	}
	Tail &tail = *entry.tail;
	if (std::find(entry.ids.begin(), entry.ids.end(), start.id) == entry.ids.end())
		entry.ids.push_back(start.id);
	entry.snapshots |= start.snapshots;
	Attached result;
	result.joined = true;
	result.snapshots = entry.snapshots;
	if (start.snapshot) {
		tail.hold(start.ticket, Tail::Work::snapshot, shard_.position());
	} else if (shared && !start.since) {
		result.running = true;
		result.from = tail.reached(shard_.position());
	} else if (tail.refetching()) {
		result.refetch = true;
		tail.hold(start.ticket, Tail::Work::refetch, shard_.position());
	} else {
		tail.hold(start.ticket, Tail::Work::resume, shard_.position(), start.since);
		result.from = tail.reads_from();
	}
	return result;
}

void Session::attach(Start start, std::function<void(const Attached &)> then)
{
	asio::post(socket_.get_executor(),
		[self = shared_from_this(), start = std::move(start), then = std::move(then)] {
			then(self->attach_now(start));
		});
}

asio::awaitable<Session::Attached> Session::attached(
	SessionPtr session, Start start, asio::any_io_executor executor)
{
	struct Wait {
		explicit Wait(const asio::any_io_executor &where) : signal(where) {}
		Signal signal;
		std::optional<Attached> result;
	};
	auto wait = std::make_shared<Wait>(executor);
	session->attach(std::move(start), [wait, executor](const Attached &result) {
		asio::post(executor, [wait, result] {
			wait->result = result;
			wait->signal.notify_all();
		});
	});
	while (!wait->result)
		co_await wait->signal.wait();
	co_return *wait->result;
}

Session::Subscribed *Session::current(hub::SubscriptionId subscription, Ticket ticket)
{
	const auto at = subscribed_.find(subscription);
	if (gone_ || at == subscribed_.end() || at->second.tail->ticket() != ticket ||
		at->second.tail->phase() != Tail::Phase::holding)
		return nullptr;
	return &at->second;
}

void Session::send_part(hub::SubscriptionId subscription, Ticket ticket, wire::FramePtr frame)
{
	asio::post(
		socket_.get_executor(), [self = shared_from_this(), subscription, ticket, frame = std::move(frame)] {
			if (self->current(subscription, ticket) != nullptr)
				self->send(frame);
		});
}

void Session::settle(hub::SubscriptionId subscription, Ticket ticket, wire::PositionPtr seen)
{
	asio::post(
		socket_.get_executor(), [self = shared_from_this(), subscription, ticket, seen = std::move(seen)] {
			Subscribed *entry = self->current(subscription, ticket);
			if (entry == nullptr)
				return;
			self->resume_feed(*entry->tail, entry->tail->settle(seen, self->shard_.position()));
		});
}

void Session::start_over(hub::SubscriptionId subscription, Ticket ticket, wire::FramePtr frame)
{
	asio::post(
		socket_.get_executor(), [self = shared_from_this(), subscription, ticket, frame = std::move(frame)] {
			Subscribed *entry = self->current(subscription, ticket);
			if (entry == nullptr)
				return;
			entry->tail->start_over();
			self->send(frame);
		});
}

void Session::call_off(hub::SubscriptionId subscription, Ticket ticket)
{
	asio::post(socket_.get_executor(), [self = shared_from_this(), subscription, ticket] {
		Subscribed *entry = self->current(subscription, ticket);
		if (entry == nullptr)
			return;
		Tail &tail = *entry->tail;
		if (tail.refetching())
			self->order_snapshot(subscription, *entry); // the work was to bring it
		else
			self->resume_feed(tail, tail.call_off(self->shard_.position()));
	});
}

/// The work for a tail is over: sends what was kept back meanwhile.
void Session::resume_feed(const Tail &tail, const std::vector<hub::ChangesPtr> &kept)
{
	for (const hub::ChangesPtr &changes : kept)
		outbox_.push_live(tail.subscription(), tail.ticket(), changes->frame, changes->before, changes->more);
	shard_.unsettled(*this);
	if (tail.phase() == Tail::Phase::lapsed) {
		lapsed_ = true;
		shard_.metrics().behind.fetch_add(1, std::memory_order_relaxed);
	}
	if (outbox_.bytes() > shard_.settings().max_queue_bytes)
		fall_behind();
	shard_.dirty(*this);
	if (outbox_.empty())
		on_drained();
}

void Session::abandon(hub::SubscriptionId subscription, Ticket ticket, wire::Failure failure)
{
	asio::post(socket_.get_executor(),
		[self = shared_from_this(), subscription, ticket, failure = std::move(failure)] {
			if (self->current(subscription, ticket) != nullptr)
				self->end_subscription(subscription, failure);
		});
}

void Session::end_subscription(hub::SubscriptionId subscription, const wire::Failure &failure)
{
	const auto at = subscribed_.find(subscription);
	if (at == subscribed_.end())
		return;
	const std::string name = at->second.tail->name();
	for (const std::string &id : at->second.ids) {
		requests_.erase(id);
		shard_.desk().unsubscribe(shared_from_this(), id);
	}
	remove(at);
	shard_.metrics().count_error(failure.code);
	send(wire::unsubscribed_frame(name, failure));
}

void Session::take(Tail &tail, const hub::ChangesPtr &changes)
{
	const hub::ChangesPtr own = tail.take(changes);
	if (!own || closing_)
		return;
	outbox_.push_live(own->subscription, tail.ticket(), own->frame, own->before, own->more);
	if (outbox_.bytes() > shard_.settings().max_queue_bytes)
		fall_behind();
	shard_.dirty(*this);
}

bool Session::advance()
{
	bool live = true;
	for (const auto &[id, entry] : subscribed_) {
		entry.tail->advance(shard_.position());
		live &= entry.tail->phase() == Tail::Phase::live;
	}
	return live;
}

void Session::fall_behind()
{
	for (const Outbox::Lost &lost : outbox_.drop()) {
		const auto at = subscribed_.find(lost.subscription);
		if (at == subscribed_.end())
			continue;
		if (!at->second.tail->lose(lost.ticket, lost.resume))
			continue;
		lapsed_ = true;
		shard_.metrics().behind.fetch_add(1, std::memory_order_relaxed);
	}
}

void Session::catch_up_lapsed()
{
	lapsed_ = false;
	for (auto &[id, entry] : subscribed_) {
		Tail &tail = *entry.tail;
		if (tail.phase() != Tail::Phase::lapsed)
			continue;
		const Ticket ticket = next_ticket();
		tail.hold(ticket, Tail::Work::catch_up, shard_.position());
		shard_.unsettled(*this);
		send(wire::behind_frame(tail.name()));
		shard_.desk().catch_up(shared_from_this(), id, ticket, entry.ids.back(), entry.snapshots,
			tail.resume(), shard_.position());
	}
}

void Session::refetch(Tail &tail, const std::string &reason)
{
	const auto at = subscribed_.find(tail.subscription());
	if (at == subscribed_.end() || gone_)
		return;
	if (!at->second.announced) { // the answer to its subscribe comes first
		at->second.refetch_reason = reason;
		return;
	}
	send(
		wire::refetch_frame(tail.name(), reason)); // behind what is queued: the `schema` change is among that
	shard_.metrics().refetches.fetch_add(1, std::memory_order_relaxed);
	if (at->second.snapshots) {
		order_snapshot(tail.subscription(), at->second);
		return;
	}
	// The client reads anew by itself, after this: whatever the feed brings from here on is for it.
	tail.hold(next_ticket(), Tail::Work::refetch, shard_.position());
	resume_feed(tail, tail.settle(shard_.position(), shard_.position()));
}

void Session::order_snapshot(hub::SubscriptionId subscription, Subscribed &entry)
{
	const Ticket ticket = next_ticket();
	entry.tail->hold(ticket, Tail::Work::refetch, shard_.position());
	shard_.unsettled(*this);
	shard_.desk().refetch(shared_from_this(), subscription, ticket, entry.ids.back());
}

std::vector<Tail *> Session::tails()
{
	std::vector<Tail *> result;
	for (auto &[id, entry] : subscribed_)
		result.push_back(entry.tail.get());
	return result;
}

} // namespace lockstep::net

#include "desk/front_desk.hpp"

#include "desk/fill.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace lockstep::desk
{

FrontDesk::ClientPtr FrontDesk::client(const net::SessionPtr &session)
{
	ClientPtr &entry = clients_[session.get()];
	if (!entry)
		entry = std::make_shared<Client>();
	return entry;
}

std::shared_ptr<Lane> FrontDesk::lane(Client &client, hub::SubscriptionId subscription)
{
	std::shared_ptr<Lane> &lane = client.lanes[subscription];
	if (!lane)
		lane = std::make_shared<Lane>(core_.executor);
	return lane;
}

void FrontDesk::release(hub::SubscriptionId subscription)
{
	if (core_.hub.release(subscription))
		--core_.metrics.subscriptions;
}

void FrontDesk::subscribe(net::SessionPtr session, std::string id, wire::Subscribe request)
{
	asio::post(context_,
		[this, session = std::move(session), id = std::move(id), request = std::move(request)]() mutable {
			if (session->gone())
				return;
			if (!core_.connected) {
				session->refuse(std::move(id), wire::unavailable());
				return;
			}
			ClientPtr entry = client(session);
			auto ended = std::make_shared<bool>(false);
			entry->pending[id] = ended;
			spawn(core_.executor, "subscribe",
				[this, session = std::move(session), entry = std::move(entry), ended = std::move(ended),
					id = std::move(id),
					request = std::move(request)] { return prepare(session, entry, ended, id, request); });
		});
}

asio::awaitable<void> FrontDesk::prepare(net::SessionPtr session, ClientPtr client,
	std::shared_ptr<bool> ended, std::string id, wire::Subscribe request)
{
	std::exception_ptr thrown;
	hub::SpecPtr spec;
	try {
		const db::Pool::Lease lease = co_await core_.lookups.lease();
		SpecRequest wanted{request.table, request.where, request.columns, request.changed_only};
		if (!client->gone && !*ended) // while it waited in line
			spec = co_await make_spec(core_, *lease, std::move(wanted), false, true);
	} catch (...) {
		thrown = std::current_exception();
	}
	if (client->gone || *ended) {
		session->dismiss();
		co_return;
	}
	client->pending.erase(id);
	if (thrown)
		session->refuse(id, lasting_failure(thrown).value_or(wire::unavailable()));
	else if (request.since && !wire::Position::parse(*request.since))
		session->refuse(
			id, wire::bad_request("invalid position", "\"since\" takes a position as this bridge sent it."));
	else
		begin(session, *client, id, request, std::move(spec));
}

void FrontDesk::begin(const net::SessionPtr &session, Client &client, const std::string &id,
	const wire::Subscribe &request, hub::SpecPtr spec)
{
	const std::size_t before = core_.hub.size();
	const hub::SubscriptionPtr subscription = core_.hub.acquire(std::move(spec));
	core_.metrics.subscriptions += static_cast<std::int64_t>(core_.hub.size() - before);
	client.held[id] = subscription->id;
	lane(client, subscription->id)->add([this, session, subscription, id, request] {
		return start(session, subscription, id, request);
	});
}

asio::awaitable<void> FrontDesk::start(
	net::SessionPtr session, hub::SubscriptionPtr subscription, std::string id, wire::Subscribe request)
{
	const bool begun = co_await fill(core_, session, subscription, id, std::move(request));
	if (!begun)
		unsubscribe(session, id);
}

void FrontDesk::unsubscribe(net::SessionPtr session, std::string id)
{
	asio::post(context_, [this, session = std::move(session), id = std::move(id)] {
		const auto found = clients_.find(session.get());
		if (found == clients_.end())
			return;
		Client &entry = *found->second;
		if (const auto pending = entry.pending.find(id); pending != entry.pending.end()) {
			*pending->second = true;
			entry.pending.erase(pending);
		}
		const auto held = entry.held.find(id);
		if (held == entry.held.end())
			return;
		const hub::SubscriptionId subscription = held->second;
		entry.held.erase(held);
		release(subscription);
		bool others = false;
		for (const auto &[other, same] : entry.held)
			others |= same == subscription;
		if (!others)
			entry.lanes.erase(subscription);
	});
}

void FrontDesk::write(net::SessionPtr session, net::Identity identity, std::string id, wire::Write request)
{
	asio::post(context_,
		[this, session = std::move(session), identity = std::move(identity), id = std::move(id),
			request = std::move(request)]() mutable {
			if (session->gone())
				return;
			ClientPtr entry = client(session);
			if (!entry->writes)
				entry->writes = std::make_shared<Lane>(core_.executor);
			++writing_;
			// One after another: a client may build on what it wrote before.
			auto order = std::make_shared<WriteOrder>(
				WriteOrder{std::move(session), std::move(identity), std::move(id), std::move(request)});
			entry->orders[order->id] = order;
			entry->writes->add([this, entry, order] { return run_write(entry, order); });
		});
}

void FrontDesk::cancel(net::SessionPtr session, std::string id)
{
	asio::post(context_, [this, session = std::move(session), id = std::move(id)] {
		const auto found = clients_.find(session.get());
		if (found == clients_.end())
			return;
		const auto order = found->second->orders.find(id);
		if (order != found->second->orders.end())
			order->second->cancelled = true;
	});
}

asio::awaitable<void> FrontDesk::run_write(ClientPtr client, std::shared_ptr<WriteOrder> order)
{
	struct Count {
		std::size_t &number;
		~Count() { --number; }
	};
	const Count done{writing_};
	co_await write_rows(core_, order);
	const auto found = client->orders.find(order->id);
	if (found != client->orders.end() && found->second == order)
		client->orders.erase(found);
}

void FrontDesk::refetch(
	net::SessionPtr session, hub::SubscriptionId subscription, net::Ticket ticket, std::string id)
{
	asio::post(context_, [this, session = std::move(session), subscription, ticket, id = std::move(id)] {
		const hub::SubscriptionPtr found = core_.hub.find(subscription);
		if (session->gone() || !found)
			return;
		lane(*client(session), subscription)->add([this, session, found, ticket, id] {
			return fill_again(core_, session, found, ticket, id);
		});
	});
}

void FrontDesk::catch_up(net::SessionPtr session, hub::SubscriptionId subscription, net::Ticket ticket,
	std::string id, bool snapshots, wire::PositionPtr since, wire::PositionPtr upto)
{
	asio::post(context_,
		[this, session = std::move(session), subscription, ticket, id = std::move(id), snapshots,
			since = std::move(since), upto = std::move(upto)] {
			const hub::SubscriptionPtr found = core_.hub.find(subscription);
			if (session->gone() || !found)
				return;
			lane(*client(session), subscription)
				->add([this, session, found, ticket, id, snapshots, since, upto] {
					return fill_gap(core_, session, found, ticket, id, snapshots, since, upto);
				});
		});
}

void FrontDesk::closed(net::SessionPtr session)
{
	asio::post(context_, [this, session = std::move(session)] {
		const auto found = clients_.find(session.get());
		if (found == clients_.end())
			return;
		const ClientPtr entry = found->second;
		clients_.erase(found);
		entry->gone = true;
		for (const auto &[id, subscription] : entry->held)
			release(subscription);
	});
}

} // namespace lockstep::desk

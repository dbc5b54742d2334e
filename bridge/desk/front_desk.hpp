#pragma once

#include "desk/core.hpp"
#include "desk/lane.hpp"
#include "desk/row_writer.hpp"
#include "net/desk.hpp"
#include "net/session.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace lockstep::desk
{

/// Takes the sessions' requests to the core thread, and keeps account of what each session holds there.
class FrontDesk : public net::Desk {
public:
	FrontDesk(Core &core, asio::io_context &context) : core_(core), context_(context) {}

	// Any thread.
	void subscribe(net::SessionPtr session, std::string id, wire::Subscribe request) override;
	void unsubscribe(net::SessionPtr session, std::string id) override;
	void write(net::SessionPtr session, net::Identity identity, std::string id, wire::Write request) override;
	void cancel(net::SessionPtr session, std::string id) override;
	void refetch(net::SessionPtr session, hub::SubscriptionId subscription, net::Ticket ticket,
		std::string id) override;
	void catch_up(net::SessionPtr session, hub::SubscriptionId subscription, net::Ticket ticket,
		std::string id, bool snapshots, wire::PositionPtr since, wire::PositionPtr upto) override;
	void closed(net::SessionPtr session) override;

	/// Writes that are under way. The core thread.
	std::size_t writing() const { return writing_; }

private:
	/// What one session holds.
	struct Client {
		std::map<std::string, hub::SubscriptionId> held; // by the id of the subscribe
		std::map<std::string, std::shared_ptr<bool>>
			pending; // subscribes under way: has the client ended it?
		std::map<hub::SubscriptionId, std::shared_ptr<Lane>> lanes; // work for one subscription
		std::shared_ptr<Lane> writes;
		std::map<std::string, std::shared_ptr<WriteOrder>>
			orders; // writes that are not answered, by their id
		bool gone = false;
	};
	using ClientPtr = std::shared_ptr<Client>;

	ClientPtr client(const net::SessionPtr &session);
	std::shared_ptr<Lane> lane(Client &client, hub::SubscriptionId subscription);
	void release(hub::SubscriptionId subscription);
	asio::awaitable<void> prepare(net::SessionPtr session, ClientPtr client, std::shared_ptr<bool> ended,
		std::string id, wire::Subscribe request);
	asio::awaitable<void> start(
		net::SessionPtr session, hub::SubscriptionPtr subscription, std::string id, wire::Subscribe request);
	asio::awaitable<void> run_write(ClientPtr client, std::shared_ptr<WriteOrder> order);
	void begin(const net::SessionPtr &session, Client &client, const std::string &id,
		const wire::Subscribe &request, hub::SpecPtr spec);

	Core &core_;
	asio::io_context &context_;
	std::unordered_map<net::Session *, ClientPtr> clients_;
	std::size_t writing_ = 0;
};

} // namespace lockstep::desk

// Bringing a session to where the shared frames go on: a snapshot, or what it missed.
#pragma once

#include "desk/core.hpp"
#include "net/session.hpp"

#include <string>

namespace lockstep::desk
{

/// Answers a subscribe. False where it was refused.
asio::awaitable<bool> fill(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription,
	std::string id, wire::Subscribe request);

/// A snapshot for a session that has been told to fetch anew.
asio::awaitable<void> fill_again(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription,
	net::Ticket ticket, std::string id);

/// What lies between two positions, for a session that was too slow.
asio::awaitable<void> fill_gap(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription,
	net::Ticket ticket, std::string id, bool snapshots, wire::PositionPtr since, wire::PositionPtr upto);

} // namespace lockstep::desk

// Where sessions bring what needs the database.
#pragma once

#include "hub/subscription.hpp"
#include "net/tail.hpp"
#include "wire/message.hpp"
#include "wire/position.hpp"

#include <memory>
#include <optional>
#include <string>

namespace lockstep::net
{

class Session;
using SessionPtr = std::shared_ptr<Session>;

/// Who is at the other end of a session.
struct Identity {
	std::string session; // named by the bridge
	std::string client;
	std::optional<std::string> actor; // claimed
};

/// The sessions' view of the core thread. All functions return at once; the answers come through the session.
/// Thread-safe; calls of one session keep their order.
class Desk {
public:
	virtual ~Desk() = default;

	virtual void subscribe(SessionPtr session, std::string id, wire::Subscribe request) = 0;
	virtual void unsubscribe(SessionPtr session, std::string id) = 0;
	virtual void write(SessionPtr session, Identity identity, std::string id, wire::Write request) = 0;
	/// The write `id`, if it is not answered yet, is to be rolled back. It may be too late.
	virtual void cancel(SessionPtr session, std::string id) = 0;

	/// The session has been sent `refetch` and waits for a snapshot.
	virtual void refetch(
		SessionPtr session, hub::SubscriptionId subscription, Ticket ticket, std::string id) = 0;
	/// The session has missed what lies between the two positions. `snapshots`: where the log does not reach that far
	/// back, it takes a snapshot.
	virtual void catch_up(SessionPtr session, hub::SubscriptionId subscription, Ticket ticket, std::string id,
		bool snapshots, wire::PositionPtr since, wire::PositionPtr upto) = 0;
	/// The session is gone.
	virtual void closed(SessionPtr session) = 0;
};

} // namespace lockstep::net

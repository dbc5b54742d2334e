// A client's write: one transaction, checked against the versions it was based on.
#pragma once

#include "desk/core.hpp"
#include "net/session.hpp"

#include <memory>
#include <string>

namespace lockstep::desk
{

struct WriteOrder {
	net::SessionPtr session;
	net::Identity identity;
	std::string id;
	wire::Write request;
	bool cancelled = false; // roll it back, if it is not too late
};

/// Carries it out and answers it.
asio::awaitable<void> write_rows(Core &core, std::shared_ptr<WriteOrder> order);

} // namespace lockstep::desk

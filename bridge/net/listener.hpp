#pragma once

#include "net/http.hpp"
#include "net/shard.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace lockstep::net
{

/// Accepts connections and deals them out to the shards. Shared object: only from its executor's thread.
class Listener {
public:
	/// Binds at once. Throws SettingsError where that is not possible.
	Listener(asio::io_context &context, Shards &shards, const HttpContext &http);

	asio::awaitable<void> run();
	void stop();
	/// Where it listens, as address:port.
	std::string address() const;

private:
	asio::ip::tcp::acceptor acceptor_;
	Shards &shards_;
	HttpContext http_;
};

} // namespace lockstep::net

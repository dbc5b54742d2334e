// HTTP beside the WebSocket: health, metrics, files, and the upgrade.
#pragma once

#include "net/shard.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <functional>

namespace lockstep::net
{

/// What the plain endpoints tell.
struct HttpContext {
	const Settings &settings;
	Metrics &metrics;
	const std::atomic<bool> &ready; // the feed is connected
};

/// Serves one connection until it ends or becomes a Session.
asio::awaitable<void> serve_http(asio::ip::tcp::socket socket, Shard &shard, const HttpContext &context);

} // namespace lockstep::net

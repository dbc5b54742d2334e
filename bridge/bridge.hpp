#pragma once

#include "desk/core.hpp"
#include "desk/distributor.hpp"
#include "desk/front_desk.hpp"
#include "feed/feed.hpp"
#include "net/listener.hpp"
#include "net/shard.hpp"
#include "settings/settings.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <atomic>

namespace lockstep
{

/// The whole of it: the core thread (which is the caller's of run()) with the database, and the shards with the clients.
class Bridge {
public:
	/// Listens at once. Throws SettingsError where that is not possible.
	explicit Bridge(const Settings &settings);

	/// Serves until SIGTERM or SIGINT, and says goodbye.
	void run();

private:
	asio::awaitable<void> stop();

	Settings settings_;
	Metrics metrics_;
	std::atomic<bool> ready_{false};
	asio::io_context context_{1};
	desk::Core core_;
	desk::FrontDesk desk_;
	net::Shards shards_;
	desk::Distributor distributor_;
	feed::Feed feed_;
	net::Listener listener_;
	asio::signal_set signals_;
};

} // namespace lockstep

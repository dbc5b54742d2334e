#include "bridge.hpp"

#include "base/log.hpp"
#include "base/spawn.hpp"
#include "version.hpp"

#include <sys/resource.h>

#include <csignal>

namespace lockstep
{
namespace
{

constexpr std::chrono::seconds writes_patience{2};
constexpr std::chrono::seconds goodbye_patience{4};

/// Each client is a descriptor: take as many as the administrator allows at most.
void raise_descriptor_limit()
{
	rlimit limit{};
	if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log::warn("could not raise the limit of open files", log::Field("max", limit.rlim_max));
}

} // namespace

Bridge::Bridge(const Settings &settings)
	: settings_(settings), core_(context_.get_executor(), settings_, metrics_), desk_(core_, context_),
	  shards_(settings_, metrics_, desk_), distributor_(core_, shards_, ready_),
	  feed_(context_.get_executor(), settings_.db, settings_.feed_page, distributor_, metrics_),
	  listener_(context_, shards_, net::HttpContext{settings_, metrics_, ready_}),
	  signals_(context_, SIGTERM, SIGINT)
{
	core_.look = [this] { feed_.look(); };
}

void Bridge::run()
{
	raise_descriptor_limit();
	log::info("lockstep-bridge is listening", log::Field("version", LOCKSTEP_VERSION),
		log::Field("address", listener_.address()), log::Field("shards", settings_.shards));
	shards_.each([](net::Shard &shard) { shard.start(); });
	spawn(context_, "listener", [this] { return listener_.run(); });
	spawn(context_, "feed", [this] { return feed_.run(); });
	signals_.async_wait([this](error_code error, int) {
		if (!error)
			spawn(context_, "stopping", [this] { return stop(); });
	});
	context_.run();
	shards_.each([](net::Shard &shard) { shard.stop(); });
	log::info("stopped");
}

asio::awaitable<void> Bridge::stop()
{
	constexpr std::chrono::milliseconds look_again{20};
	log::info("stopping", log::Field("clients", shards_.sessions()));
	listener_.stop();
	// Writes that have begun shall be answered, within reason.
	auto give_up = std::chrono::steady_clock::now() + writes_patience;
	while (desk_.writing() > 0 && std::chrono::steady_clock::now() < give_up)
		co_await sleep_for(core_.executor, look_again);
	shards_.each([](net::Shard &shard) { shard.say_goodbye(); });
	give_up = std::chrono::steady_clock::now() + goodbye_patience;
	while (shards_.sessions() > 0 && std::chrono::steady_clock::now() < give_up)
		co_await sleep_for(core_.executor, look_again);
	context_.stop();
}

} // namespace lockstep

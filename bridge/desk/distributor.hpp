#pragma once

#include "desk/core.hpp"
#include "feed/feed.hpp"
#include "net/shard.hpp"

#include <atomic>

namespace lockstep::desk
{

/// Takes what the feed reads through the hub to the shards.
/// Shared object: only from the core thread.
class Distributor : public feed::Sink {
public:
	Distributor(Core &core, net::Shards &shards, std::atomic<bool> &ready)
		: core_(core), shards_(shards), ready_(ready)
	{
	}

	asio::awaitable<void> batch(hub::Batch batch, db::Connection &connection) override;
	void restart(std::string reason, wire::PositionPtr position) override;
	void connected(bool connected) override;

private:
	struct Reshaped {
		hub::Judgement::NewSpecs specs; // null: the subscription cannot go on
		std::unordered_map<hub::SubscriptionId, wire::Failure> failures;
		std::vector<hub::SubscriptionId> unjudged; // these must read anew what could not be judged
	};
	asio::awaitable<Reshaped> look_again(const hub::Batch &batch, db::Connection &connection);
	asio::awaitable<void> answer_all(
		hub::Judgement &judgement, db::Connection &connection, Reshaped &reshaped);
	void reshape(const Reshaped &reshaped);

	Core &core_;
	net::Shards &shards_;
	std::atomic<bool> &ready_;
};

} // namespace lockstep::desk

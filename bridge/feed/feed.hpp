// The feed reader: owns the position, and reads on from it whenever the doorbell rings.
#pragma once

#include "base/backoff.hpp"
#include "base/metrics.hpp"
#include "feed/batch.hpp"

#include <memory>
#include <optional>
#include <string>

namespace lockstep::feed
{

/// Who is given what the feed reads.
class Sink {
public:
	virtual ~Sink() = default;

	/// The next changes, in order; `connection` may be used meanwhile. What it throws of db's errors ends the
	/// connection, and the batch comes again.
	virtual asio::awaitable<void> batch(hub::Batch batch, db::Connection &connection) = 0;
	/// What was read so far does not lead any further: the feed begins anew at `position`.
	virtual void restart(std::string reason, wire::PositionPtr position) = 0;
	virtual void connected(bool connected) = 0;
};

/// Shared object: only from its executor's thread.
class Feed {
public:
	Feed(
		asio::any_io_executor executor, std::string conninfo, std::size_t page, Sink &sink, Metrics &metrics);

	/// Reads for ever; connects again whenever the connection is lost.
	asio::awaitable<void> run();

	/// Look at once, without a bell.
	void look();
	bool connected() const { return connected_; }

private:
	asio::awaitable<void> live(db::Connection &connection);
	asio::awaitable<void> begin(db::Connection &connection);
	asio::awaitable<void> read(db::Connection &connection);

	asio::any_io_executor executor_;
	std::string conninfo_;
	std::size_t page_;
	Sink &sink_;
	Metrics &metrics_;
	wire::PositionPtr position_;
	db::Connection *connection_ = nullptr; // while there is one
	bool connected_ = false;
	Backoff backoff_;
};

} // namespace lockstep::feed

// libpq on asio: libpq owns the protocol, asio waits for readiness.
#pragma once

#include "base/signal.hpp"
#include "db/error.hpp"
#include "db/result.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace lockstep::db
{

/// One connection to the database, with settings under which every value has one text form.
/// One statement at a time. Shared object: only from its executor's thread.
class Connection {
public:
	/// Connects, or throws ConnectionLost (also where the server refuses). `lock_timeout`: how long a statement may
	/// wait for a lock, where that is not left to the server's settings (0).
	static asio::awaitable<std::unique_ptr<Connection>> open(asio::any_io_executor executor,
		std::string conninfo, std::chrono::milliseconds lock_timeout = std::chrono::milliseconds(0));
	~Connection();
	Connection(const Connection &) = delete;
	Connection &operator=(const Connection &) = delete;

	/// Runs one statement and returns its result; throws SqlError or ConnectionLost.
	asio::awaitable<Result> query(std::string sql, Params params = {});

	/// Starts a statement whose rows come one by one from next(), until that returns nothing. Whoever stops earlier
	/// must drop the connection.
	asio::awaitable<void> start(std::string sql, Params params);
	asio::awaitable<std::optional<Result>> next();

	/// Waits until a notification came (true), or the time is over or interrupt() was called (false).
	asio::awaitable<bool> wait_notification(std::chrono::milliseconds longest);
	void interrupt();

	/// Is it connected, and outside of a transaction? Looks at the socket for a server that has gone.
	bool idle();

private:
	explicit Connection(asio::any_io_executor executor) : executor_(std::move(executor)), socket_(executor_)
	{
	}

	asio::awaitable<void> connect(std::string conninfo);
	asio::awaitable<void> wait_for(asio::posix::stream_descriptor::wait_type what);
	asio::awaitable<void> wait_either();
	asio::awaitable<void> flush();
	asio::awaitable<PGresult *> next_result();
	void send(const std::string &sql, const Params &params);
	void adopt_socket();
	bool take_notifications();
	[[noreturn]] void lost();
	Result checked(PGresult *raw);

	asio::any_io_executor executor_;
	PGconn *connection_ = nullptr;
	asio::posix::stream_descriptor socket_;
	bool interrupted_ = false;
	bool waiting_ = false;
	bool expired_ = false; // the deadline that wait_for() ran under is over
};

} // namespace lockstep::db

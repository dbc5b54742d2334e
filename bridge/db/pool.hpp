#pragma once

#include "db/connection.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::db
{

/// A bounded number of connections, opened when needed. Whoever finds none free waits in line. A lease that waits for
/// somebody slow can step aside: it keeps its connection, and another has its place; so many at most may do that.
/// Shared object: only from its executor's thread; must outlive its leases.
class Pool {
public:
	Pool(asio::any_io_executor executor, std::string conninfo, std::size_t size, std::size_t aside = 0,
		std::chrono::milliseconds lock_timeout = std::chrono::milliseconds(0))
		: executor_(std::move(executor)), conninfo_(std::move(conninfo)), size_(size), max_aside_(aside),
		  lock_timeout_(lock_timeout)
	{
	}

	/// Gives the connection back when it ends; drops one that is inside a transaction, busy, or broken.
	class Lease {
	public:
		Lease(Pool *pool, std::unique_ptr<Connection> connection, unsigned generation)
			: pool_(pool), connection_(std::move(connection)), generation_(generation)
		{
		}
		~Lease();
		Lease(Lease &&other) noexcept
			: pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)),
			  generation_(other.generation_), aside_(other.aside_)
		{
		}
		Lease &operator=(Lease &&) = delete;

		Connection *operator->() const { return connection_.get(); }
		Connection &operator*() const { return *connection_; }

		/// Lets another have the place, unless too many stand aside already. The connection is not to be used until
		/// come_back() has returned.
		void step_aside();
		/// Waits for a place again. Throws ConnectionLost.
		asio::awaitable<void> come_back();

	private:
		friend class Pool;
		Pool *pool_;
		std::unique_ptr<Connection> connection_;
		unsigned generation_;
		bool aside_ = false;
	};

	/// Throws ConnectionLost where none can be had.
	asio::awaitable<Lease> lease();

	/// The database has gone: whoever waits gives up, and no connection from before is used again.
	void reset();

private:
	struct Waiter {
		explicit Waiter(const asio::any_io_executor &executor) : signal(executor) {}
		Signal signal;
		bool granted = false;
	};

	asio::awaitable<void> take_place();
	void give_back(std::unique_ptr<Connection> connection, unsigned generation);
	void free_place();

	asio::any_io_executor executor_;
	std::string conninfo_;
	std::size_t size_;
	std::size_t max_aside_;
	std::chrono::milliseconds lock_timeout_;
	std::size_t taken_ = 0; // leases, and places granted to waiters
	std::size_t aside_ = 0; // leases without a place
	unsigned generation_ = 0;
	std::vector<std::unique_ptr<Connection>> idle_;
	std::deque<std::shared_ptr<Waiter>> waiters_;
};

} // namespace lockstep::db

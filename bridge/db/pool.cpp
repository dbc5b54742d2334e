#include "db/pool.hpp"

namespace lockstep::db
{

Pool::Lease::~Lease()
{
	if (pool_ == nullptr)
		return;
	if (aside_)
		--pool_->aside_; // the connection is one too many, and ends
	else
		pool_->give_back(std::move(connection_), generation_);
}

void Pool::Lease::step_aside()
{
	if (aside_ || pool_->aside_ >= pool_->max_aside_)
		return;
	aside_ = true;
	++pool_->aside_;
	pool_->free_place();
}

asio::awaitable<void> Pool::Lease::come_back()
{
	if (!aside_)
		co_return;
	co_await pool_->take_place();
	aside_ = false;
	--pool_->aside_;
}

asio::awaitable<void> Pool::take_place()
{
	if (taken_ < size_) {
		++taken_;
	} else {
		auto waiter = std::make_shared<Waiter>(executor_);
		waiters_.push_back(waiter);
		co_await waiter->signal.wait();
		if (!waiter->granted)
			throw ConnectionLost("the database is not available");
	}
}

asio::awaitable<Pool::Lease> Pool::lease()
{
	co_await take_place();
	// From here on a place is ours: a lease in name, even while it has no connection, gives it back.
	Lease place(this, nullptr, generation_);
	while (!idle_.empty()) {
		std::unique_ptr<Connection> connection = std::move(idle_.back());
		idle_.pop_back();
		if (connection->idle()) {
			place.connection_ = std::move(connection);
			co_return place;
		}
	}
	place.connection_ = co_await Connection::open(executor_, conninfo_, lock_timeout_);
	co_return place;
}

void Pool::give_back(std::unique_ptr<Connection> connection, unsigned generation)
{
	if (connection && generation == generation_ && connection->idle())
		idle_.push_back(std::move(connection));
	connection.reset();
	free_place();
}

void Pool::free_place()
{
	--taken_;
	if (waiters_.empty() || taken_ >= size_)
		return;
	++taken_;
	const std::shared_ptr<Waiter> first = waiters_.front();
	waiters_.pop_front();
	first->granted = true;
	first->signal.notify_all();
}

void Pool::reset()
{
	++generation_;
	idle_.clear();
	for (const std::shared_ptr<Waiter> &waiter : std::exchange(waiters_, {}))
		waiter->signal.notify_all();
}

} // namespace lockstep::db

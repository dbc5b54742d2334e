// Waiting, for coroutines on one thread.
#pragma once

#include <utility> // Boost 1.74's asio uses std::exchange without including it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace lockstep
{

namespace asio = boost::asio;
using boost::system::error_code;

/// Wakes all coroutines that wait. Says nothing about why: each looks again at what it waited for.
/// Shared object: only from one thread.
class Signal {
public:
	explicit Signal(const asio::any_io_executor &executor)
		: timer_(executor, asio::steady_timer::time_point::max())
	{
	}

	asio::awaitable<void> wait()
	{
		error_code ignored; // always "cancelled"
		co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
	}
	void notify_all() { timer_.cancel(); }

private:
	asio::steady_timer timer_;
};

inline asio::awaitable<void> sleep_for(asio::any_io_executor executor, std::chrono::milliseconds duration)
{
	asio::steady_timer timer(executor, duration);
	error_code ignored;
	co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace lockstep

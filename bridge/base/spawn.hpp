#pragma once

#include "base/log.hpp"
#include "base/signal.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace lockstep
{

/// Starts a coroutine that nobody waits for. What it throws is a mistake of ours: it is logged.
template <class Executor, class Body> void spawn(Executor &&executor, const char *what, Body body)
{
	asio::co_spawn(std::forward<Executor>(executor), std::move(body), [what](std::exception_ptr thrown) {
		if (!thrown)
			return;
		try {
			std::rethrow_exception(thrown);
		} catch (const std::exception &error) {
			log::error("unexpected failure", log::Field("in", what), log::Field("error", error.what()));
		}
	});
}

} // namespace lockstep

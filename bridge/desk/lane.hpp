#pragma once

#include "base/spawn.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace lockstep::desk
{

/// Jobs that run one after another. Shared object: only from its executor's thread.
class Lane : public std::enable_shared_from_this<Lane> {
public:
	using Job = std::function<asio::awaitable<void>()>;

	explicit Lane(asio::any_io_executor executor) : executor_(std::move(executor)) {}

	void add(Job job)
	{
		jobs_.push_back(std::move(job));
		if (!running_) {
			running_ = true;
			spawn(executor_, "request", [self = shared_from_this()] { return run(self); });
		}
	}

private:
	static asio::awaitable<void> run(std::shared_ptr<Lane> self)
	{
		while (!self->jobs_.empty()) {
			const Job job = std::move(self->jobs_.front());
			self->jobs_.pop_front();
			try {
				co_await job();
			} catch (const std::exception &error) { // a mistake of ours; the next job shall run all the same
				log::error(
					"unexpected failure", log::Field("in", "request"), log::Field("error", error.what()));
			}
		}
		self->running_ = false;
	}

	asio::any_io_executor executor_;
	std::deque<Job> jobs_;
	bool running_ = false;
};

} // namespace lockstep::desk

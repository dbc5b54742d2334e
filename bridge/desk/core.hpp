// What lives on the core thread: the database connections, the hub, the feed's position.
#pragma once

#include "base/metrics.hpp"
#include "base/signal.hpp"
#include "db/catalogue.hpp"
#include "db/pool.hpp"
#include "desk/locked_tables.hpp"
#include "hub/hub.hpp"
#include "settings/settings.hpp"
#include "wire/answers.hpp"

#include <functional>
#include <string>

namespace lockstep::desk
{

constexpr std::size_t lookup_connections = 2;
// Whatever is read for one table must not hold up the others by waiting for a lock on it.
constexpr std::chrono::milliseconds brief_lock_wait{100};

/// Shared object: only from the core thread.
struct Core {
	Core(asio::any_io_executor core_executor, const Settings &all_settings, Metrics &all_metrics)
		: executor(core_executor), settings(all_settings), metrics(all_metrics),
		  reads(executor, settings.db, settings.read_connections, settings.slow_connections, brief_lock_wait),
		  lookups(executor, settings.db, lookup_connections, 0, brief_lock_wait),
		  writes(executor, settings.db, settings.write_connections), locked(executor, lookups),
		  connection_changed(executor)
	{
	}

	asio::any_io_executor executor;
	const Settings &settings;
	Metrics &metrics;
	hub::Hub hub;
	db::Catalogue catalogue;
	db::Pool reads;
	db::Pool lookups; // of their own: they are short, and nobody's snapshot shall hold them up
	db::Pool writes;
	LockedTables locked;

	/// The feed's changes up to here have been judged for all subscriptions that existed then: whatever a new one has to
	/// know from before, it must read itself; whatever comes after, the feed brings.
	wire::PositionPtr judged;
	bool connected = false;
	Signal connection_changed;
	std::function<void()> look; // has the feed look at once
};

/// What was asked for, so that it can be asked again when the table's shape has changed.
struct SpecRequest {
	std::string table;
	std::string where;
	std::optional<std::vector<std::string>> columns;
	bool changed_only = false;
};

SpecRequest request_of(const hub::Spec &spec);

/// Looks the table up, has the server check the filter's values, and makes a spec of them. Throws TableError,
/// SpecError, SqlError or ConnectionLost. `fresh`: the table may have changed since it was looked up. `check`: have the
/// server check a filter that only it can judge, unless the table is locked; who does not finds out when he reads.
asio::awaitable<hub::SpecPtr> make_spec(
	Core &core, db::Connection &connection, SpecRequest request, bool fresh, bool check);

/// The request cannot be fulfilled, for a reason that the client is told.
class SpecError : public std::exception {
public:
	explicit SpecError(wire::Failure reason) : failure(std::move(reason)) {}
	const char *what() const noexcept override { return failure.message.c_str(); }
	wire::Failure failure;
};

/// An error of the server as clients are told of it.
wire::Failure failure_of(const db::SqlError &error);

/// Has the server judge the rows of a question.
asio::awaitable<void> answer(db::Connection &connection, hub::Question &question);

/// A caught exception as clients are told of it; ConnectionLost and whatever else will pass: nothing.
std::optional<wire::Failure> lasting_failure(std::exception_ptr thrown);

} // namespace lockstep::desk

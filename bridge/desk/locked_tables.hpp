// Tables that somebody has locked against reading: who needs one waits without a connection.
#pragma once

#include "base/signal.hpp"
#include "db/pool.hpp"
#include "hub/table.hpp"

#include <cstdint>
#include <map>

namespace lockstep::desk
{

/// One connection at a time looks whether the tables are free again, however many wait for how many tables.
/// Shared object: only from its executor's thread; must outlive its waiters.
class LockedTables {
public:
	LockedTables(asio::any_io_executor executor, db::Pool &pool)
		: executor_(std::move(executor)), pool_(pool), looked_(executor_)
	{
	}

	/// A statement has waited for this table in vain.
	void add(const hub::TablePtr &table);
	bool contains(std::uint32_t relid) const { return tables_.contains(relid); }
	/// Waits until somebody has looked again.
	asio::awaitable<void> looked() { return looked_.wait(); }

private:
	asio::awaitable<void> watch();
	asio::awaitable<bool> free(const hub::Table &table);

	asio::any_io_executor executor_;
	db::Pool &pool_;
	std::map<std::uint32_t, hub::TablePtr> tables_;
	Signal looked_;
	bool watching_ = false;
};

} // namespace lockstep::desk

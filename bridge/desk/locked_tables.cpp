#include "desk/locked_tables.hpp"

#include "base/spawn.hpp"

namespace lockstep::desk
{
namespace
{

constexpr std::chrono::milliseconds look_pause{300};

} // namespace

void LockedTables::add(const hub::TablePtr &table)
{
	if (!tables_.emplace(table->relid, table).second)
		return;
	log::info("a table is locked; its subscribes wait", log::Field("table", table->name));
	if (!std::exchange(watching_, true))
		spawn(executor_, "locked tables", [this] { return watch(); });
}

asio::awaitable<void> LockedTables::watch()
{
	while (!tables_.empty()) {
		co_await sleep_for(executor_, look_pause);
		const std::map<std::uint32_t, hub::TablePtr> round = tables_;
		for (const auto &[relid, table] : round)
			if (co_await free(*table))
				tables_.erase(relid);
		looked_.notify_all();
	}
	watching_ = false;
}

/// True also where this cannot be told: then whoever waits shall find out himself.
asio::awaitable<bool> LockedTables::free(const hub::Table &table)
{
	try {
		const db::Pool::Lease lease = co_await pool_.lease();
		co_await lease->query("SELECT FROM " + table.name + " LIMIT 0");
	} catch (const db::SqlError &error) {
		co_return !error.locked();
	} catch (const db::ConnectionLost &) {
		co_return true;
	}
	co_return true;
}

} // namespace lockstep::desk

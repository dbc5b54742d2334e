// Rows of lockstep.changes() to a batch.
#pragma once

#include "db/connection.hpp"
#include "hub/change.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace lockstep::feed
{

/// What was read, and whether that is all there is.
struct Page {
	hub::Batch batch;
	bool complete = false;                // everything up to batch.after; otherwise there is more at once
	std::optional<std::int64_t> first_at; // when the first change was made, in microseconds since 1970
};

/// Reads on from `since`, at most about `max_changes`. Throws SqlError (LS004: the position is not covered any more).
asio::awaitable<Page> read_feed(db::Connection &connection, wire::PositionPtr since, std::size_t max_changes);

/// The same for one table only, and no further than `upto`. Complete where nothing came.
asio::awaitable<Page> read_table(db::Connection &connection, wire::PositionPtr since, wire::PositionPtr upto,
	std::uint32_t relid, std::size_t max_changes);

/// A position that begins now.
asio::awaitable<wire::PositionPtr> read_position(db::Connection &connection);

/// "2026-11-20 10:00:00.12+00" as ISO 8601: "2026-11-20T10:00:00.120000Z".
std::string iso_timestamp(std::string_view text);

} // namespace lockstep::feed

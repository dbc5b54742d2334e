// What the feed reads, as the hub sees it.
#pragma once

#include "wire/position.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::hub
{

/// One row's insert, update or delete, one table's truncate, or a schema change. Views into the batch's storage.
struct Change {
	enum class Op : std::uint8_t { insert, update, erase, truncate, schema };
	Op op = Op::insert;
	std::uint32_t relid = 0;
	std::string_view key; // JSON
	std::string_view version;
	std::string_view row; // JSON: the whole new row; of a delete: the old one
	std::string_view old; // JSON: previous values of what an update changed
};

/// The changes that became visible together.
struct Transaction {
	wire::Xid xid = 0;
	std::string header; // its members in a frame, up to the changes: "xid":"…","at":"…",…
	std::vector<Change> changes;
	wire::PositionPtr after;
};

/// Whole transactions in feed order, and where they lead.
struct Batch {
	std::shared_ptr<const void> storage; // keeps alive what the views refer to
	std::vector<Transaction> transactions;
	wire::PositionPtr before;
	wire::PositionPtr after; // may see more than the last transaction's position
};

/// The members of a transaction's object that precede its changes.
std::string transaction_header(std::string_view xid, std::string_view at_iso,
	const std::optional<std::string_view> &actor, const std::optional<std::string_view> &client,
	const std::optional<std::string_view> &reason, bool verified);

} // namespace lockstep::hub

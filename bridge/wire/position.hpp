// A position as the bridge keeps it: the text that PostgreSQL wrote, and its parsed form.
#pragma once

#include "core/position.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::wire
{

using core::Xid;

class Position;
using PositionPtr = std::shared_ptr<const Position>;

/// The set of transactions that a reader has seen (see core/position.hpp for the algebra).
/// Immutable; safe to share between threads.
class Position {
public:
	/// Null where `text` is no position.
	static PositionPtr parse(std::string_view text);

	/// What a reader has seen who has seen both: exact, and itself a place to resume from. Both must belong to the
	/// same database.
	static PositionPtr unite(const PositionPtr &one, const PositionPtr &other);

	const std::string &text() const { return text_; }
	bool sees(Xid xid) const { return core::sees(view(), xid); }
	bool covers(const Position &earlier) const { return core::covers(view(), earlier.view()); }
	/// Is it also of the same history (covers() does not tell)?
	bool same_history(const Position &other) const
	{
		return same_database(other) && identity_.timeline == other.identity_.timeline;
	}
	bool same_database(const Position &other) const
	{
		return identity_.system == other.identity_.system && identity_.database == other.identity_.database;
	}

private:
	Position() = default;
	core::PositionView view() const { return {identity_, lsn_, xmin_, xmax_, running_}; }

	std::string text_;
	core::Identity identity_;
	std::uint64_t lsn_ = 0;
	Xid xmin_ = 0;
	Xid xmax_ = 0;
	std::vector<Xid> running_;
};

} // namespace lockstep::wire

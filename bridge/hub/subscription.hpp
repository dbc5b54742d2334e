// A subscription: one distinct (table, columns, filter, visibility class) that clients share.
#pragma once

#include "hub/filter.hpp"
#include "hub/table.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lockstep::hub
{

using SubscriptionId = std::uint64_t;

/// What is subscribed to. Two equal specs share one subscription. Immutable; safe to share between threads.
class Spec {
public:
	/// `columns`: ordinals, the key's included. `chosen`: the client named them (else: all there are, also in future).
	Spec(TablePtr table, std::vector<int> columns, bool chosen, Condition condition, std::string where,
		bool changed_only);

	const Table &table() const { return *table_; }
	const TablePtr &table_ptr() const { return table_; }
	const Filter &filter() const { return filter_; }
	const std::vector<int> &columns() const { return columns_; }
	bool columns_chosen() const { return chosen_; }
	bool changed_only() const { return changed_only_; }
	const std::string &where() const { return where_; } // as the client wrote it
	bool selects(int ordinal) const { return selected_[static_cast<std::size_t>(ordinal)]; }
	/// `"name":`
	const std::string &label(int ordinal) const { return labels_[static_cast<std::size_t>(ordinal)]; }

	/// All that makes it distinct, as text.
	const std::string &identity() const { return identity_; }
	/// A short name for the identity, the same on every bridge and after every restart.
	const std::string &shape() const { return shape_; }
	/// JSON: [{"name":"id","type":"bigint"},…] and ["id"].
	std::string columns_json() const;
	std::string key_json() const;

private:
	TablePtr table_;
	std::vector<int> columns_;
	bool chosen_;
	Filter filter_;
	std::string where_;
	bool changed_only_;
	std::vector<bool> selected_;
	std::vector<std::string> labels_;
	std::string identity_;
	std::string shape_;
};

using SpecPtr = std::shared_ptr<const Spec>;

/// The columns that a subscribe asks for: `names`, or all that may be read and are logged; the key's always.
/// Otherwise the reason why not.
std::variant<std::vector<int>, FilterError> choose_columns(
	const Table &table, const std::optional<std::vector<std::string>> &names);

/// A spec with the name that clients know it by. The spec changes when the table's shape does.
/// Shared object: only from the core thread.
struct Subscription {
	SubscriptionId id = 0;
	std::string name;
	SpecPtr spec;
	std::size_t holders = 0;
};

using SubscriptionPtr = std::shared_ptr<Subscription>;

} // namespace lockstep::hub

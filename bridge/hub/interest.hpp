// Which subscriptions does a change concern?
#pragma once

#include "hub/row_image.hpp"
#include "hub/subscription.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lockstep::hub
{

/// The subscriptions to one table (as one look at the catalogue saw it), indexed by one equality condition of each
/// filter, so that a change meets only those it can concern.
/// Distinct objects: safe. Shared object: only from one thread.
class Interest {
public:
	explicit Interest(TablePtr table) : table_(std::move(table)) {}

	void add(Subscription *subscription);
	void remove(Subscription *subscription);

	/// Appends, each once, those whose filter may match one of the images; null: there is no such image.
	void concerned(const RowImage *before, const RowImage *after, std::vector<Subscription *> &out) const;

	const TablePtr &table() const { return table_; }
	const std::vector<Subscription *> &all() const { return all_; }

private:
	struct Hash {
		using is_transparent = void;
		std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
	};
	using Bucket = std::vector<Subscription *>;
	using ByValue = std::unordered_map<std::string, Bucket, Hash, std::equal_to<>>;
	struct ByColumn {
		int column;
		ByValue values;
	};

	TablePtr table_;
	std::vector<Subscription *> all_;
	Bucket unconditional_; // no equality to go by
	std::vector<ByColumn> columns_;
};

} // namespace lockstep::hub

// What the database says about tables.
#pragma once

#include "db/connection.hpp"
#include "hub/filter.hpp"
#include "hub/table.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace lockstep::db
{

/// Why a table cannot be used: `code` is a word of the protocol's list.
class TableError : public std::exception {
public:
	TableError(std::string error_code, std::string text, std::string advice = {})
		: code(std::move(error_code)), message(std::move(text)), hint(std::move(advice))
	{
	}
	const char *what() const noexcept override { return message.c_str(); }

	std::string code;
	std::string message;
	std::string hint;
};

/// `name` as an SQL identifier, always quoted.
std::string quote_identifier(std::string_view name);

/// Looks tables up, and remembers them for moments: a burst of clients that subscribe to the same table costs one query.
/// As long as a table is the same, its Table is the same object.
/// Shared object: only from one thread.
class Catalogue {
public:
	/// Throws TableError where `name` is not a tracked table that the bridge may use. `fresh`: do not answer from memory.
	asio::awaitable<hub::TablePtr> find(Connection &connection, std::string name, bool fresh = false);

	/// Forgets what was looked up, because something changed.
	void forget();
	/// Advances with each forget(): whoever finds it changed since a find() looks again.
	unsigned generation() const { return generation_; }

private:
	struct Entry {
		hub::TablePtr table;
		std::string fingerprint;
		std::chrono::steady_clock::time_point looked_up;
	};
	std::map<std::string, Entry> entries_;
	unsigned generation_ = 0;
};

/// Has the server cast the literals of `condition` to their columns' types, and puts in their canonical forms.
/// Throws SqlError where one does not fit.
asio::awaitable<void> resolve_literals(
	Connection &connection, const hub::Table &table, hub::Condition &condition);

/// Has the server check a filter that it will be asked to judge. Throws SqlError.
asio::awaitable<void> check_filter(
	Connection &connection, const hub::Table &table, const hub::Filter &filter);

/// The filter's parameters, to which more can be added.
Params filter_params(const hub::Filter &filter);

} // namespace lockstep::db

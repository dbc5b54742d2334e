// The SQL of a client's write. Names come from the catalogue and are quoted; values are parameters.
#pragma once

#include "db/error.hpp"
#include "db/result.hpp"
#include "hub/table.hpp"
#include "wire/message.hpp"

#include <span>
#include <string>

namespace lockstep::desk
{

/// A statement that returns the key (JSON) and the version of each row it wrote.
struct RowStatement {
	std::string sql;
	db::Params params;
	const hub::Table *table = nullptr;
	const wire::Operation *target = nullptr; // the row must exist; null: an insert
};

/// Can the two be inserted by one statement: same table, same columns?
bool same_insert(const wire::Operation &one, const wire::Operation &other);

// These throw SpecError where a column does not exist, or the key is not the table's.
RowStatement insert_statement(const hub::Table &table, std::span<const wire::Operation> inserts);
RowStatement update_statement(const hub::Table &table, const wire::Operation &operation);
RowStatement delete_statement(const hub::Table &table, const wire::Operation &operation);
RowStatement version_check_statement(const hub::Table &table, const wire::Operation &operation);

/// The row that an operation names is not there (or not visible): as the guard would say it.
db::SqlError missing_row(const hub::Table &table, const wire::Operation &operation);

} // namespace lockstep::desk

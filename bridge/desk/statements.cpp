#include "desk/statements.hpp"

#include "db/catalogue.hpp"
#include "desk/core.hpp"
#include "hub/filter.hpp"
#include "wire/json.hpp"

#include <algorithm>
#include <vector>

namespace lockstep::desk
{
namespace
{

using db::quote_identifier;

std::string column_name(const hub::Table &table, int ordinal)
{
	return quote_identifier(table.columns[static_cast<std::size_t>(ordinal)].name);
}

wire::JsonObject members_of(const std::string &object)
{
	return wire::JsonObject::parse(object).value(); // its form was checked when the message came
}

/// The distinct columns that an object names, in the table's order.
std::vector<int> columns_of(const hub::Table &table, const std::string &object)
{
	std::vector<int> result;
	const wire::JsonObject members = members_of(object);
	for (const auto &[name, value] : members.members()) {
		const int ordinal = table.find(name);
		if (ordinal < 0)
			throw SpecError(
				{"42703", "column \"" + name + "\" of table \"" + table.name + "\" does not exist", {}, {}});
		if (std::find(result.begin(), result.end(), ordinal) == result.end())
			result.push_back(ordinal);
	}
	std::sort(result.begin(), result.end());
	return result;
}

/// The value of a column that a row of JSON gives. Row images show a `json` column as a string that holds the document's
/// text, so that it keeps its blanks and its order; and so it is taken back.
std::string source(const hub::Table &table, int ordinal)
{
	const hub::Column &column = table.columns[static_cast<std::size_t>(ordinal)];
	if (column.kind != hub::ColumnKind::json || column.type != "json")
		return "r." + column_name(table, ordinal);
	std::string name = "'";
	for (const char c : column.name) {
		if (c == '\'' || c == '\\')
			name += c;
		name += c;
	}
	return "CAST(d.image ->> E" + name + "' AS pg_catalog.json)";
}

/// The rows r of the table that the elements of a JSON array stand for, each with its element: d.image.
std::string rows_of(const hub::Table &table, const std::string &array)
{
	return "pg_catalog.jsonb_array_elements(" + array +
		"::pg_catalog.jsonb) AS d (image), LATERAL pg_catalog.jsonb_populate_record(NULL::" + table.name +
		", d.image) AS r";
}

std::string next_param(RowStatement &statement, std::string value)
{
	statement.params.emplace_back(std::move(value));
	return std::string("$").append(std::to_string(statement.params.size()));
}

/// The condition that the row t has the operation's key.
std::string key_condition(const hub::Table &table, const wire::Operation &operation, RowStatement &statement)
{
	const wire::JsonObject key = members_of(operation.key);
	std::string out;
	for (const int ordinal : table.key) {
		const hub::Column &column = table.columns[static_cast<std::size_t>(ordinal)];
		const auto value = key.find(column.name);
		if (!value)
			throw SpecError(wire::bad_request("the key lacks column \"" + column.name + "\""));
		if (wire::json_kind(*value) == wire::JsonKind::null)
			throw SpecError(wire::bad_request("column \"" + column.name + "\" of the key is null"));
		const bool json = column.kind == hub::ColumnKind::json;
		const wire::JsonKind kind = wire::json_kind(*value);
		out += out.empty() ? "t." : " AND t.";
		out += column_name(table, ordinal);
		if (!json && (kind == wire::JsonKind::array || kind == wire::JsonKind::object)) {
			// An array, or composite: its text is not the JSON's.
			out += " = (SELECT k." + column_name(table, ordinal) +
				" FROM pg_catalog.jsonb_populate_record(NULL::" + table.name + ", " +
				next_param(statement, operation.key) + "::pg_catalog.jsonb) AS k)";
			continue;
		}
		out += " = CAST(" + next_param(statement, json ? std::string(*value) : hub::literal_text(*value)) +
			"::pg_catalog.text AS " + column.cast_type + ")";
	}
	for (const auto &[name, value] : key.members())
		if (std::none_of(table.key.begin(), table.key.end(), [&, &wanted = name](int ordinal) {
				return table.columns[static_cast<std::size_t>(ordinal)].name == wanted;
			}))
			throw SpecError(wire::bad_request("column \"" + name + "\" is not part of the key"));
	return out;
}

std::string returning(const hub::Table &table)
{
	std::string columns;
	for (const int ordinal : table.key)
		columns += (columns.empty() ? "t." : ", t.") + column_name(table, ordinal);
	// With ".*" the name is the row's, even where a column has the same name.
	return " RETURNING (SELECT lockstep.image(k.*) FROM (SELECT " + columns + ") AS k), " +
		(table.version >= 0 ? "t." + column_name(table, table.version) : std::string("NULL"));
}

std::string version_param(const wire::Operation &operation, RowStatement &statement)
{
	return next_param(statement, *operation.version) + "::pg_catalog.int8";
}

} // namespace

bool same_insert(const wire::Operation &one, const wire::Operation &other)
{
	if (other.kind != wire::Operation::Kind::insert || one.table != other.table)
		return false;
	auto names = [](const std::string &object) {
		std::vector<std::string> result;
		const wire::JsonObject members = members_of(object);
		for (const auto &[name, value] : members.members())
			result.push_back(name);
		std::sort(result.begin(), result.end());
		return result;
	};
	return names(one.values) == names(other.values);
}

RowStatement insert_statement(const hub::Table &table, std::span<const wire::Operation> inserts)
{
	RowStatement statement;
	statement.table = &table;
	const std::vector<int> columns = columns_of(table, inserts.front().values);
	if (columns.empty()) { // nothing but defaults; a row of JSON cannot say that
		if (inserts.size() > 1)
			throw SpecError(wire::bad_request("several empty rows cannot be inserted at once"));
		statement.sql = "INSERT INTO " + table.name + " AS t DEFAULT VALUES" + returning(table);
		return statement;
	}
	std::string rows = "[";
	for (const wire::Operation &insert : inserts)
		rows += (rows.size() > 1 ? "," : "") + insert.values;
	rows += "]";
	std::string targets;
	std::string sources;
	for (const int ordinal : columns) {
		targets += (targets.empty() ? "" : ", ") + column_name(table, ordinal);
		sources += (sources.empty() ? "" : ", ") + source(table, ordinal);
	}
	// Columns that no row names are left out, and get their defaults.
	statement.sql = "INSERT INTO " + table.name + " AS t (" + targets + ") SELECT " + sources + " FROM " +
		rows_of(table, next_param(statement, rows)) + returning(table);
	return statement;
}

RowStatement update_statement(const hub::Table &table, const wire::Operation &operation)
{
	RowStatement statement;
	statement.table = &table;
	statement.target = &operation;
	const std::string values = next_param(statement, "[" + operation.values + "]");
	std::string assignments;
	for (const int ordinal : columns_of(table, operation.values)) {
		if (ordinal == table.version && operation.version)
			continue; // the version that the client was shown is the one that counts
		assignments +=
			(assignments.empty() ? "" : ", ") + column_name(table, ordinal) + " = " + source(table, ordinal);
	}
	if (operation.version) {
		if (table.version < 0)
			throw SpecError(wire::bad_request("table \"" + table.name + "\" has no version column"));
		assignments += (assignments.empty() ? "" : ", ") + column_name(table, table.version) + " = " +
			version_param(operation, statement);
	}
	if (assignments.empty())
		throw SpecError(wire::bad_request("\"set\" names no column"));
	statement.sql = "UPDATE " + table.name + " AS t SET " + assignments + " FROM " + rows_of(table, values) +
		" WHERE " + key_condition(table, operation, statement) + returning(table);
	return statement;
}

RowStatement version_check_statement(const hub::Table &table, const wire::Operation &operation)
{
	if (table.version < 0)
		throw SpecError(wire::bad_request("table \"" + table.name + "\" has no version column"));
	RowStatement statement;
	statement.table = &table;
	statement.target = &operation;
	statement.sql = "UPDATE " + table.name + " AS t SET " + column_name(table, table.version) + " = " +
		version_param(operation, statement);
	statement.sql += " WHERE " + key_condition(table, operation, statement) + returning(table);
	return statement;
}

RowStatement delete_statement(const hub::Table &table, const wire::Operation &operation)
{
	RowStatement statement;
	statement.table = &table;
	statement.target = &operation;
	statement.sql = "DELETE FROM " + table.name + " AS t WHERE " + key_condition(table, operation, statement);
	statement.sql += returning(table);
	return statement;
}

db::SqlError missing_row(const hub::Table &table, const wire::Operation &operation)
{
	db::SqlError error;
	error.sqlstate = "LS001";
	error.message = "row of table \"" + table.name + "\" does not exist any more";
	error.detail = "{\"table\":" + wire::quoted(table.name) + ",\"key\":" + operation.key +
		",\"expected\":" + operation.version.value_or("null") +
		",\"current\":null,\"changed_by\":null,\"changed_at\":null,\"columns\":[],\"reason\":\"missing\"}";
	error.hint = "It was deleted, its key was changed, or it never existed. Read the table anew and decide.";
	return error;
}

} // namespace lockstep::desk

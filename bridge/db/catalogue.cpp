#include "db/catalogue.hpp"

#include "wire/json.hpp"

#include <charconv>
#include <vector>

namespace lockstep::db
{
namespace
{

constexpr std::chrono::seconds remembered{2};
constexpr std::size_t max_entries = 1000;

const char *const table_query = R"sql(
SELECT c.oid,
       quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       t.relid IS NOT NULL,
       row_security_active(c.oid),
       a.attname,
       format_type(a.atttypid, a.atttypmod),
       format_type(a.atttypid, -1),
       array_position(t.key_columns, a.attname),
       coalesce(a.attname = t.version_column, false),
       coalesce(a.attname = ANY (t.exclude_columns), false),
       has_column_privilege(c.oid, a.attnum, 'SELECT'),
       a.atttypid::int,
       ty.typtype,
       coalesce(co.collisdeterministic, true),
       CASE WHEN co.oid = 'pg_catalog.default'::regcollation
            THEN (SELECT d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')
                  FROM pg_database d WHERE d.datname = current_database())
            ELSE coalesce(co.collprovider = 'c' AND co.collcollate IN ('C', 'POSIX'), false) END,
       has_table_privilege(c.oid, 'SELECT')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type ty ON ty.oid = a.atttypid
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN lockstep.tracked t ON t.relid = c.oid
WHERE c.oid = to_regclass($1)
ORDER BY a.attnum
)sql";

hub::ColumnKind column_kind(
	std::string_view type_oid, std::string_view typtype, bool deterministic, bool c_collation)
{
	if (type_oid == "114" || type_oid == "3802")
		return hub::ColumnKind::json;
	if (typtype != "b")
		return hub::ColumnKind::other;
	if (type_oid == "16")
		return hub::ColumnKind::boolean;
	if (type_oid == "20" || type_oid == "21" || type_oid == "23")
		return hub::ColumnKind::integer;
	if (type_oid == "2950")
		return hub::ColumnKind::uuid;
	if (type_oid == "25" || type_oid == "1043") {
		if (!deterministic)
			return hub::ColumnKind::other;
		return c_collation ? hub::ColumnKind::text_c : hub::ColumnKind::text;
	}
	if (type_oid == "1082")
		return hub::ColumnKind::date;
	if (type_oid == "1114")
		return hub::ColumnKind::timestamp;
	if (type_oid == "1184")
		return hub::ColumnKind::timestamptz;
	return hub::ColumnKind::other;
}

hub::TablePtr make_table(const Result &result)
{
	auto table = std::make_shared<hub::Table>();
	const std::string_view oid = result.get(0, 0);
	std::from_chars(oid.data(), oid.data() + oid.size(), table->relid);
	table->name = result.text(0, 1);
	table->row_security = result.flag(0, 3);
	table->lockable = result.flag(0, 15);
	std::map<int, int> key; // place in the key → ordinal
	for (int row = 0; row < result.rows(); ++row) {
		hub::Column column;
		column.name = result.text(row, 4);
		column.type = result.text(row, 5);
		column.cast_type = result.text(row, 6);
		column.logged = !result.flag(row, 9);
		column.readable = result.flag(row, 10);
		column.kind =
			column_kind(result.get(row, 11), result.get(row, 12), result.flag(row, 13), result.flag(row, 14));
		if (!result.null(row, 7))
			key[std::stoi(result.text(row, 7))] = row;
		if (result.flag(row, 8))
			table->version = row;
		table->columns.push_back(std::move(column));
	}
	for (const auto &[place, ordinal] : key)
		table->key.push_back(ordinal);
	table->index();
	return table;
}

std::string fingerprint(const Result &result)
{
	std::string out;
	for (int row = 0; row < result.rows(); ++row)
		for (int column = 0; column < 16; ++column) {
			out += result.get(row, column);
			out += '\0';
		}
	return out;
}

void collect(hub::Condition &condition, std::map<std::string, std::vector<hub::Literal *>> &by_type,
	const hub::Table &table)
{
	for (hub::Condition &part : condition.parts)
		collect(part, by_type, table);
	if (condition.comparison == hub::Comparison::like || condition.comparison == hub::Comparison::ilike)
		return; // a pattern is text, whatever the column is
	for (hub::Literal &literal : condition.values)
		if (!literal.null)
			by_type[table.columns[static_cast<std::size_t>(condition.column)].cast_type].push_back(&literal);
}

} // namespace

std::string quote_identifier(std::string_view name)
{
	std::string out = "\"";
	for (const char c : name) {
		if (c == '"')
			out += '"';
		out += c;
	}
	return out + '"';
}

asio::awaitable<hub::TablePtr> Catalogue::find(Connection &connection, std::string name, bool fresh)
{
	const auto known = entries_.find(name);
	const auto now = std::chrono::steady_clock::now();
	if (!fresh && known != entries_.end() && now - known->second.looked_up < remembered)
		co_return known->second.table;

	std::optional<Result> result;
	std::string invalid;
	try {
		result = co_await connection.query(table_query, params(name));
	} catch (const SqlError &error) {
		// What to_regclass() says of a text that cannot be a name.
		if (error.sqlstate != "42602" && error.sqlstate != "42601" && error.sqlstate != "0A000")
			throw;
		invalid = error.message;
	}
	if (!invalid.empty())
		throw TableError("unknown_table", invalid);
	if (result->rows() == 0)
		throw TableError("unknown_table", "table \"" + name + "\" does not exist",
			"Name the table with its schema, as in \"public.orders\".");
	if (!result->flag(0, 2))
		throw TableError("not_tracked", "table \"" + name + "\" is not tracked",
			"Its owner can track it with: SELECT lockstep.track('" + result->text(0, 1) + "')");
	if (result->flag(0, 3))
		throw TableError("forbidden",
			"table \"" + name + "\" has row-level security, which this version does not evaluate",
			"Give the bridge's role BYPASSRLS where every client may see every row.");

	Entry entry{nullptr, fingerprint(*result), now};
	const auto before = entries_.find(name);
	const bool same = before != entries_.end() && before->second.fingerprint == entry.fingerprint;
	entry.table = same ? before->second.table : make_table(*result);
	if (entries_.size() >= max_entries) // one table has many spellings
		entries_.clear();
	entries_[name] = entry;
	co_return entry.table;
}

void Catalogue::forget()
{
	++generation_;
	for (auto &[name, entry] : entries_) // the tables stay, to be recognized
		entry.looked_up = {};
}

asio::awaitable<void> resolve_literals(
	Connection &connection, const hub::Table &table, hub::Condition &condition)
{
	std::map<std::string, std::vector<hub::Literal *>> by_type;
	collect(condition, by_type, table);
	for (const auto &[type, literals] : by_type) {
		std::string texts = "[";
		for (const hub::Literal *literal : literals) {
			if (texts.size() > 1)
				texts += ',';
			wire::append_quoted(texts, literal->text);
		}
		texts += ']';
		const Result result = co_await connection.query(
			"SELECT lockstep.image(r), r.v::pg_catalog.text "
			"FROM pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) WITH ORDINALITY AS u (x, n), "
			"LATERAL (SELECT CAST(u.x AS " +
				type + ") AS v) AS r ORDER BY u.n",
			params(texts));
		for (int row = 0; row < result.rows(); ++row) {
			hub::Literal &literal = *literals.at(static_cast<std::size_t>(row));
			wire::JsonWalk walk(result.get(row, 0));
			wire::JsonMember member;
			literal.image = walk.next(member) ? std::string(member.value) : std::string();
			literal.text = result.text(row, 1);
		}
	}
}

asio::awaitable<void> check_filter(Connection &connection, const hub::Table &table, const hub::Filter &filter)
{
	co_await connection.query(
		"SELECT FROM " + table.name + " AS t WHERE " + filter.sql() + " LIMIT 0", filter_params(filter));
}

Params filter_params(const hub::Filter &filter)
{
	Params result;
	for (const std::string &parameter : filter.parameters())
		result.emplace_back(parameter);
	return result;
}

} // namespace lockstep::db

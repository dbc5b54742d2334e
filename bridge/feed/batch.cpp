#include "feed/batch.hpp"

#include "hub/moment.hpp"

#include <charconv>
#include <stdexcept>

namespace lockstep::feed
{
namespace
{

enum Column { xid, at, op, key, version, row, old, actor, client, reason, verified, position, relid };

// (as_json: most of what a page costs would be jsonb's way to text.)
const std::string all_columns = "xid, at, op, lockstep.as_json(key), version, lockstep.as_json(row), "
								"lockstep.as_json(old), actor, client, "
								"reason, verified, position, relid";

// The last row is no change: it says how far the same snapshot sees. Both are computed on one snapshot, being one
// statement, so whatever is not in the rows is not in that position either.
const std::string feed_query = "SELECT " + all_columns +
	" FROM lockstep.changes(since => $1, max_changes => $2) "
	"UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
	"lockstep.position(), NULL";

// Rows of other tables are needed where a transaction ends: only they carry its position.
const std::string table_query =
	"SELECT xid, at, op, CASE WHEN relid = $4 THEN lockstep.as_json(key) END, version, "
	"CASE WHEN relid = $4 THEN lockstep.as_json(row) END, CASE WHEN relid = $4 THEN lockstep.as_json(old) "
	"END, "
	"actor, client, reason, verified, position, relid "
	"FROM lockstep.changes(since => $1, upto => $2, max_changes => $3) "
	"WHERE relid = $4 OR position IS NOT NULL";

hub::Change::Op parse_op(std::string_view text)
{
	if (text == "insert")
		return hub::Change::Op::insert;
	if (text == "update")
		return hub::Change::Op::update;
	if (text == "delete")
		return hub::Change::Op::erase;
	if (text == "truncate")
		return hub::Change::Op::truncate;
	if (text == "schema")
		return hub::Change::Op::schema;
	throw std::runtime_error("unknown op \"" + std::string(text) + "\" in the log");
}

template <class Number> Number parse_number(std::string_view text)
{
	Number number{};
	std::from_chars(text.data(), text.data() + text.size(), number);
	return number;
}

wire::PositionPtr parse_position(std::string_view text)
{
	wire::PositionPtr result = wire::Position::parse(text);
	if (!result)
		throw std::runtime_error("invalid position \"" + std::string(text) + "\" from the database");
	return result;
}

std::optional<std::string_view> optional_text(const db::Result &result, int at_row, int column)
{
	if (result.null(at_row, column))
		return std::nullopt;
	return result.get(at_row, column);
}

/// Appends the changes in `rows` rows of `result`.
void collect(hub::Batch &batch, const db::Result &result, int rows)
{
	batch.storage = result.storage();
	bool open = false;
	for (int i = 0; i < rows; ++i) {
		if (!open) {
			hub::Transaction transaction;
			transaction.xid = parse_number<wire::Xid>(result.get(i, xid));
			transaction.header = hub::transaction_header(result.get(i, xid), iso_timestamp(result.get(i, at)),
				optional_text(result, i, actor), optional_text(result, i, client),
				optional_text(result, i, reason), result.flag(i, verified));
			batch.transactions.push_back(std::move(transaction));
			open = true;
		}
		hub::Transaction &transaction = batch.transactions.back();
		hub::Change change;
		change.op = parse_op(result.get(i, op));
		change.relid = parse_number<std::uint32_t>(result.get(i, relid));
		change.key = result.get(i, key);
		change.version = result.get(i, version);
		change.row = result.get(i, row);
		change.old = result.get(i, old);
		transaction.changes.push_back(change);
		if (!result.null(i, position)) {
			transaction.after = parse_position(result.get(i, position));
			batch.after = transaction.after;
			open = false;
		}
	}
	if (open)
		throw std::runtime_error("a transaction in the log has no position");
}

} // namespace

std::string iso_timestamp(std::string_view text)
{
	std::string out(text);
	const std::size_t blank = out.find(' ');
	if (blank == std::string::npos)
		return out; // infinity
	out[blank] = 'T';
	// The session's time zone is UTC: what follows the seconds is +00.
	const std::size_t zone = out.find_first_of("+-", blank);
	std::string rest = zone == std::string::npos ? std::string() : out.substr(zone);
	out.resize(std::min(zone, out.size()));
	const std::size_t point = out.find('.');
	if (point == std::string::npos)
		out += ".000000";
	else
		out.append(6 - std::min<std::size_t>(out.size() - point - 1, 6), '0');
	return out + (rest == "+00" || rest.empty() ? "Z" : rest);
}

asio::awaitable<Page> read_feed(db::Connection &connection, wire::PositionPtr since, std::size_t max_changes)
{
	const db::Result result =
		co_await connection.query(feed_query, db::params(since->text(), std::to_string(max_changes)));
	const int changes = result.rows() - 1;
	Page page;
	page.batch.before = since;
	page.batch.after = since;
	collect(page.batch, result, changes);
	page.complete = static_cast<std::size_t>(changes) < max_changes;
	if (changes > 0)
		if (const auto moment = hub::parse_moment(iso_timestamp(result.get(0, at))))
			page.first_at = *moment + hub::moment_epoch;
	if (page.complete)
		page.batch.after = parse_position(result.get(changes, position));
	co_return page;
}

asio::awaitable<Page> read_table(db::Connection &connection, wire::PositionPtr since, wire::PositionPtr upto,
	std::uint32_t table, std::size_t max_changes)
{
	const db::Result result = co_await connection.query(table_query,
		db::params(since->text(), upto->text(), std::to_string(max_changes), std::to_string(table)));
	Page page;
	page.batch.before = since;
	page.batch.after = since;
	collect(page.batch, result, result.rows());
	page.complete = result.rows() == 0;
	co_return page;
}

asio::awaitable<wire::PositionPtr> read_position(db::Connection &connection)
{
	const db::Result result = co_await connection.query("SELECT lockstep.position()");
	co_return parse_position(result.get(0, 0));
}

} // namespace lockstep::feed

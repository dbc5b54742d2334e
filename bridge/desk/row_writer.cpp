#include "desk/row_writer.hpp"

#include "base/log.hpp"
#include "desk/statements.hpp"
#include "feed/batch.hpp"
#include "wire/json.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace lockstep::desk
{
namespace
{

// So many rows at least go into one statement: enough that its overhead does not count, few enough that it is over before
// anybody asks what goes on, and that finding the row that fails takes no time.
constexpr std::size_t least_group_rows = 1000;
// Each statement is a subtransaction, and a transaction with more than 64 of them slows everybody's snapshots down.
constexpr std::size_t max_groups = 50;

/// The transaction of one write request.
class RowWriter {
public:
	RowWriter(Core &core, db::Connection &connection, const WriteOrder &order)
		: core_(core), connection_(connection), order_(order)
	{
	}

	asio::awaitable<wire::FramePtr> run();
	/// The operation that was being carried out.
	const std::optional<std::size_t> &operation() const { return operation_; }
	/// COMMIT was sent: if the connection is lost now, nobody knows.
	bool committing() const { return committing_; }

private:
	void heed_cancel() const;
	void tell_progress() const;
	asio::awaitable<void> look_up();
	asio::awaitable<void> begin();
	asio::awaitable<void> carry_out();
	asio::awaitable<void> insert_run(std::size_t first, std::size_t last);
	asio::awaitable<bool> try_group(const RowStatement &statement, std::size_t rows);
	asio::awaitable<void> single(std::size_t index);
	asio::awaitable<void> execute(const RowStatement &statement);
	asio::awaitable<wire::FramePtr> finish(std::string result);

	Core &core_;
	db::Connection &connection_;
	const WriteOrder &order_;
	std::map<std::string, hub::TablePtr> tables_;
	std::vector<std::string> results_;
	std::optional<std::size_t> operation_;
	bool committing_ = false;
};

asio::awaitable<wire::FramePtr> RowWriter::run()
{
	co_await look_up();
	co_await begin();
	const wire::Write &write = order_.request;
	const std::string actor = order_.identity.actor.value_or("");
	if (write.mutation) {
		const db::Result before = co_await connection_.query(
			"SELECT lockstep.mutation_begin($1, $2)", db::params(actor, *write.mutation));
		if (!before.null(0, 0)) { // done already: the first result stands
			std::string result = before.text(0, 0);
			co_await connection_.query("ROLLBACK");
			co_return co_await finish(std::move(result));
		}
	}
	co_await carry_out();
	operation_.reset();
	const db::Result xid = co_await connection_.query("SELECT pg_current_xact_id()");
	std::string result = "{\"xid\":\"" + xid.text(0, 0) + "\",\"results\":[";
	for (std::size_t i = 0; i < results_.size(); ++i)
		result += (i > 0 ? "," : "") + results_[i];
	result += "]}";
	if (write.mutation)
		co_await connection_.query(
			"SELECT lockstep.mutation_end($1, $2, $3)", db::params(actor, *write.mutation, result));
	committing_ = true;
	co_await connection_.query("COMMIT");
	++core_.metrics.writes;
	co_return co_await finish(std::move(result));
}

asio::awaitable<void> RowWriter::look_up()
{
	for (std::size_t i = 0; i < order_.request.operations.size(); ++i) {
		operation_ = i;
		const std::string &name = order_.request.operations[i].table;
		if (!tables_.contains(name))
			tables_[name] = co_await core_.catalogue.find(connection_, name);
	}
	operation_.reset();
}

asio::awaitable<void> RowWriter::begin()
{
	co_await connection_.query("BEGIN");
	const auto timeout = std::chrono::milliseconds(core_.settings.write_timeout).count();
	co_await connection_.query(
		"SELECT set_config('lockstep.client', $1, true), set_config('lockstep.actor', $2, true), "
		"set_config('lockstep.reason', $3, true), set_config('statement_timeout', $4, true)",
		db::params(order_.identity.client, order_.identity.actor.value_or(""),
			order_.request.reason.value_or(""), std::to_string(timeout)));
}

asio::awaitable<void> RowWriter::carry_out()
{
	const std::vector<wire::Operation> &operations = order_.request.operations;
	results_.reserve(operations.size());
	const std::size_t max_group_rows = std::max(least_group_rows, operations.size() / max_groups + 1);
	std::size_t told = 0;
	for (std::size_t i = 0; i < operations.size();) {
		heed_cancel();
		operation_ = i;
		std::size_t end = i + 1;
		if (operations[i].kind == wire::Operation::Kind::insert)
			while (end < operations.size() && end - i < max_group_rows &&
				same_insert(operations[i], operations[end]))
				++end;
		if (end - i > 1)
			co_await insert_run(i, end);
		else
			co_await single(i);
		if (order_.request.piece && results_.size() - told >= least_group_rows) {
			told = results_.size();
			tell_progress();
		}
		i = end;
	}
	heed_cancel();
}

void RowWriter::heed_cancel() const
{
	if (order_.cancelled)
		throw SpecError(wire::cancelled());
}

void RowWriter::tell_progress() const
{
	order_.session->tell(wire::Answer("progress", order_.id)
							 .raw("done", std::to_string(results_.size()))
							 .raw("operations", std::to_string(order_.request.operations.size()))
							 .seal());
}

/// Inserts of the same columns into the same table go in one statement. Where that fails, they are repeated one by
/// one, to find the one that does; likewise where a trigger keeps a row out, as each operation has its place in the
/// results.
asio::awaitable<void> RowWriter::insert_run(std::size_t first, std::size_t last)
{
	const std::vector<wire::Operation> &operations = order_.request.operations;
	const hub::Table &table = *tables_.at(operations[first].table);
	const RowStatement statement =
		insert_statement(table, std::span(operations).subspan(first, last - first));
	if (co_await try_group(statement, last - first))
		co_return;
	for (std::size_t i = first; i < last; ++i)
		co_await single(i);
}

/// False where nothing was done: it failed, or a trigger kept a row out, and nobody can tell which.
asio::awaitable<bool> RowWriter::try_group(const RowStatement &statement, std::size_t rows)
{
	const std::size_t before = results_.size();
	co_await connection_.query("SAVEPOINT lockstep_group");
	bool refused = false;
	try {
		co_await execute(statement);
	} catch (const db::SqlError &) { // said again by the single statement that fails
		refused = true;
	}
	if (results_.size() != before + rows) {
		results_.resize(before);
		refused = true;
	}
	co_await connection_.query(
		refused ? "ROLLBACK TO SAVEPOINT lockstep_group" : "RELEASE SAVEPOINT lockstep_group");
	co_return !refused;
}

asio::awaitable<void> RowWriter::single(std::size_t index)
{
	operation_ = index;
	const wire::Operation &operation = order_.request.operations[index];
	const hub::Table &table = *tables_.at(operation.table);
	switch (operation.kind) {
	case wire::Operation::Kind::insert:
		co_await execute(insert_statement(table, std::span(&operation, 1)));
		break;
	case wire::Operation::Kind::update:
		co_await execute(update_statement(table, operation));
		break;
	case wire::Operation::Kind::erase:
		if (operation
				.version) { // an update to the same version checks it, changes nothing, and is not logged
			const RowStatement check = version_check_statement(table, operation);
			const db::Result result = co_await connection_.query(check.sql, check.params);
			if (result.rows() == 0)
				throw missing_row(table, operation);
		}
		co_await execute(delete_statement(table, operation));
		break;
	}
}

asio::awaitable<void> RowWriter::execute(const RowStatement &statement)
{
	const db::Result result = co_await connection_.query(statement.sql, statement.params);
	if (statement.target != nullptr && result.rows() == 0)
		throw missing_row(*statement.table, *statement.target);
	if (result.rows() == 0) // a trigger kept the row out
		results_.emplace_back("{}");
	for (int row = 0; row < result.rows(); ++row) {
		std::string text = "{\"key\":" + result.text(row, 0);
		if (!result.null(row, 1))
			text += ",\"version\":" + result.text(row, 1);
		results_.push_back(text + "}");
	}
}

asio::awaitable<wire::FramePtr> RowWriter::finish(std::string result)
{
	// A position taken after the commit sees the write; a client that has reached it has seen its own change.
	// Whatever fails now, the write is done: it must not be answered with an error, or the client may do it again.
	wire::PositionPtr position;
	try {
		position = co_await feed::read_position(connection_);
	} catch (const std::exception &error) {
		log::warn("a write is answered without a position", log::Field("error", error.what()));
	}
	wire::Answer answer("written", order_.id);
	const auto members = wire::JsonObject::parse(result);
	if (!members)
		throw std::runtime_error("the stored result of a mutation is no object");
	for (const auto &[name, value] : members->members())
		answer.raw(name, value);
	if (position)
		answer.text("position", position->text());
	co_return answer.seal();
}

} // namespace

asio::awaitable<void> write_rows(Core &core, std::shared_ptr<WriteOrder> order)
{
	std::exception_ptr thrown;
	std::optional<std::size_t> operation;
	wire::FramePtr written;
	bool committing = false;
	if (core.connected) {
		try {
			db::Pool::Lease lease = co_await core.writes.lease();
			RowWriter writer(core, *lease, *order);
			std::exception_ptr inner;
			try {
				written = co_await writer.run();
			} catch (...) {
				inner = std::current_exception();
			}
			if (inner) {
				operation = writer.operation();
				committing = writer.committing();
				thrown = inner;
				const auto failure = lasting_failure(inner);
				if (failure) // the connection is fine: keep it
					co_await lease->query("ROLLBACK");
			}
		} catch (...) {
			if (!thrown)
				thrown = std::current_exception();
		}
	}
	if (written) {
		order->session->answer(std::move(written));
		co_return;
	}
	wire::Failure failure = wire::unavailable();
	if (thrown) {
		if (auto lasting = lasting_failure(thrown)) {
			failure = std::move(*lasting);
			if (failure.code != "cancelled")
				failure.operation = operation;
		} else if (committing) {
			failure.message = "the connection to the database was lost during the commit";
			failure.hint = "It is not known whether the write took place. Sending it again with the same "
						   "mutation does it "
						   "once at most.";
		}
	}
	if (failure.code == "LS001")
		++core.metrics.conflicts;
	core.metrics.count_error(failure.code);
	order->session->answer(wire::error_frame(order->id, failure));
}

} // namespace lockstep::desk

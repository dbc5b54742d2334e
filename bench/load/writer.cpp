#include "writer.hpp"

#include "clock.hpp"

#include <algorithm>

namespace lockstep::bench
{

Writer::Writer(const WritingPlan &plan, Board &board, WriterBoard &writers)
	: plan_(plan), board_(board), writers_(writers)
{
	thread_ = std::thread([this] { run(); });
}

void Writer::join()
{
	if (thread_.joinable())
		thread_.join();
}

bool Writer::wait(std::int64_t turn)
{
	if (plan_.rate > 0) {
		const double period_ns = 1e9 * static_cast<double>(plan_.changes_per_transaction) / plan_.rate;
		const std::int64_t due =
			plan_.start_ns + static_cast<std::int64_t>(static_cast<double>(turn) * period_ns);
		if (due >= plan_.end_ns)
			return false;
		sleep_until(due);
		if (due >= board_.first_measured_ns)
			late_ns_ = std::max(late_ns_, now_ns() - due);
		return !board_.failed;
	}
	for (;;) {
		if (now_ns() >= plan_.end_ns || board_.failed)
			return false;
		const std::uint64_t clients = board_.keeping_up;
		if (clients == 0) {
			error_ = "all clients are behind, so none can set the pace";
			return false;
		}
		if (writers_.written < board_.delivered / clients + plan_.window)
			return true;
		sleep_until(now_ns() + 50'000);
	}
}

void Writer::run()
{
	const PgConnection connection = connect(plan_.db);
	if (PQstatus(connection.get()) != CONNECTION_OK) {
		error_ = PQerrorMessage(connection.get());
		return;
	}
	const std::int64_t before = write(connection);
	cpu_ns_ = read_clock(CLOCK_THREAD_CPUTIME_ID) - before;
}

std::int64_t Writer::write(const PgConnection &connection)
{
	std::int64_t cpu_at_first = 0;
	const std::string statement = "UPDATE " + plan_.table +
		" SET sent_ns = $1 WHERE id BETWEEN $2::bigint AND $2::bigint + $3::bigint - 1";
	const PgResult prepared(PQprepare(connection.get(), "change", statement.c_str(), 3, nullptr));
	const std::string many = std::to_string(plan_.changes_per_transaction);
	const std::size_t places = plan_.rows / plan_.changes_per_transaction;
	for (std::int64_t turn = 0; wait(turn); ++turn) {
		writers_.written += plan_.changes_per_transaction;
		const std::size_t place = static_cast<std::size_t>(turn) % places;
		const std::string id = std::to_string(plan_.first_row + place * plan_.changes_per_transaction);
		const std::int64_t stamp = now_ns();
		if (stamp >= board_.first_measured_ns && cpu_at_first == 0)
			cpu_at_first = read_clock(CLOCK_THREAD_CPUTIME_ID);
		const PgResult result =
			execute(connection, "change", {std::to_string(stamp).c_str(), id.c_str(), many.c_str()});
		if (PQresultStatus(result.get()) != PGRES_COMMAND_OK || PQcmdTuples(result.get()) != many) {
			error_ = std::string("an UPDATE failed: ") + PQerrorMessage(connection.get());
			break;
		}
		if (stamp < board_.first_measured_ns)
			continue;
		commits_us_.add(static_cast<std::uint64_t>(now_ns() - stamp) / 1000);
		sent_.changes += plan_.changes_per_transaction;
		sent_.stamp_sum += static_cast<std::uint64_t>(stamp) * plan_.changes_per_transaction;
	}
	return cpu_at_first != 0 ? cpu_at_first : read_clock(CLOCK_THREAD_CPUTIME_ID);
}

std::string write_marker(const std::string &db, const std::string &table)
{
	const PgConnection connection = connect(db);
	if (PQstatus(connection.get()) != CONNECTION_OK)
		return PQerrorMessage(connection.get());
	const std::string statement =
		"UPDATE " + table + " SET sent_ns = " + std::to_string(marker_stamp) + " WHERE id = 0";
	const PgResult result(PQexec(connection.get(), statement.c_str()));
	if (PQresultStatus(result.get()) != PGRES_COMMAND_OK || PQcmdTuples(result.get()) != std::string("1"))
		return std::string("could not write the marker: ") + PQerrorMessage(connection.get());
	return {};
}

} // namespace lockstep::bench

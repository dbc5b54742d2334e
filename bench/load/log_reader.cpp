#include "log_reader.hpp"

#include "clock.hpp"
#include "database.hpp"

namespace lockstep::bench
{

std::string read_log(const std::string &db, const std::string &statement, const std::string &place_column,
	std::string place, Reading &reading)
{
	const PgConnection connection = connect(db);
	if (PQstatus(connection.get()) != CONNECTION_OK)
		return PQerrorMessage(connection.get());
	const PgResult prepared(PQprepare(connection.get(), "page", statement.c_str(), 1, nullptr));
	if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK)
		return PQerrorMessage(connection.get());
	const std::int64_t begin = now_ns();
	for (;;) {
		const PgResult page = execute(connection, "page", {place.c_str()});
		if (PQresultStatus(page.get()) != PGRES_TUPLES_OK)
			return PQerrorMessage(connection.get());
		++reading.pages;
		const int rows = PQntuples(page.get());
		if (rows == 0)
			break;
		const int column = PQfnumber(page.get(), place_column.c_str());
		if (column < 0)
			return "the statement has no column " + place_column;
		std::string reached;
		for (int row = 0; row < rows; ++row) {
			for (int field = 0; field < PQnfields(page.get()); ++field)
				reading.bytes += static_cast<std::uint64_t>(PQgetlength(page.get(), row, field));
			if (!PQgetisnull(page.get(), row, column))
				reached = PQgetvalue(page.get(), row, column);
		}
		if (reached.empty() || reached == place)
			return "a page that does not say where to go on";
		place = reached;
		reading.rows += static_cast<std::uint64_t>(rows);
	}
	reading.seconds = static_cast<double>(now_ns() - begin) / 1e9;
	return {};
}

} // namespace lockstep::bench

// libpq, as much as a load client needs.
#pragma once

#include <libpq-fe.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::bench
{

struct PgDeleter {
	void operator()(PGconn *connection) const { PQfinish(connection); }
	void operator()(PGresult *result) const { PQclear(result); }
};
using PgConnection = std::unique_ptr<PGconn, PgDeleter>;
using PgResult = std::unique_ptr<PGresult, PgDeleter>;

inline PgConnection connect(const std::string &db)
{
	return PgConnection(PQconnectdb(db.c_str()));
}

/// Runs a prepared statement with text parameters.
inline PgResult execute(
	const PgConnection &connection, const char *prepared, std::initializer_list<const char *> values)
{
	const std::vector<const char *> given(values);
	return PgResult(PQexecPrepared(
		connection.get(), prepared, static_cast<int>(given.size()), given.data(), nullptr, nullptr, 0));
}

} // namespace lockstep::bench

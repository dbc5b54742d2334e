#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::db
{

/// Parameters of a statement: text; absent is NULL.
using Params = std::vector<std::optional<std::string>>;

/// Not an initializer list: g++ 12 miscompiles those inside co_await expressions.
template <class... Values> Params params(Values &&...values)
{
	Params result;
	result.reserve(sizeof...(values));
	(result.emplace_back(std::forward<Values>(values)), ...);
	return result;
}

/// What a statement returned. Distinct objects: safe.
class Result {
public:
	explicit Result(PGresult *result) : result_(result, &PQclear) {}

	int rows() const { return PQntuples(result_.get()); }
	bool null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
	/// Valid as long as the result. Empty for NULL.
	std::string_view get(int row, int column) const
	{
		return {PQgetvalue(result_.get(), row, column),
			static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
	}
	std::string text(int row, int column) const { return std::string(get(row, column)); }
	bool flag(int row, int column) const { return get(row, column) == "t"; }
	/// Rows that an INSERT, UPDATE or DELETE without RETURNING affected.
	PGresult *raw() const { return result_.get(); }
	std::shared_ptr<const void> storage() const { return result_; }

private:
	std::shared_ptr<PGresult> result_;
};

} // namespace lockstep::db

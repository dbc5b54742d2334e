#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace lockstep::db
{

/// The server refused a statement. The connection lives on.
class SqlError : public std::exception {
public:
	std::string sqlstate;
	std::string message;
	std::string detail;
	std::string hint;

	const char *what() const noexcept override { return message.c_str(); }
	/// Has it waited for a lock for as long as it may?
	bool locked() const { return sqlstate == "55P03"; }
	/// Is the statement fine, and only the moment wrong (shutting down, starting up, too many connections)?
	bool passing() const
	{
		const std::string_view state = sqlstate;
		return state.starts_with("57P") || state.starts_with("08") || state.starts_with("53");
	}
};

/// There is no connection (any more). What was under way may or may not have happened.
class ConnectionLost : public std::exception {
public:
	explicit ConnectionLost(std::string message) : message_(std::move(message)) {}
	const char *what() const noexcept override { return message_.c_str(); }

private:
	std::string message_;
};

} // namespace lockstep::db

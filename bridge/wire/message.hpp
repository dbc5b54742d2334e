// What clients say: PROTOCOL messages, checked for form. Names of tables and columns are checked where the catalogue is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lockstep::wire
{

struct Hello {
	std::optional<std::string> client;
	std::optional<std::string> actor;
};

struct Subscribe {
	std::string table;
	std::string where; // raw JSON of an object; empty: everything
	std::optional<std::vector<std::string>> columns;
	bool snapshot = true;
	bool changed_only = false; // "rows": "changed"
	std::optional<std::string> since;
	std::optional<std::string> shape;
	std::optional<std::uint64_t> limit;
};

struct Unsubscribe {
	std::string subscription; // raw JSON: the `id` of the subscribe
};

/// One step of a write. Values stay raw JSON: they travel to PostgreSQL as they were written.
struct Operation {
	enum class Kind { insert, update, erase };
	Kind kind = Kind::update;
	std::string table;
	std::string key;                    // object; empty for an insert
	std::optional<std::string> version; // digits
	std::string values;                 // object: `set` or `row`
};

struct Write {
	std::optional<std::string> mutation;
	std::optional<std::string> reason;
	std::vector<Operation> operations;
	std::optional<std::size_t> piece; // of a write that comes in several messages: 0, 1, …
	bool more = false;                // and others follow
};

struct Cancel {
	std::string write; // raw JSON: the `id` of the write
};

struct Ping {};

using Request = std::variant<Hello, Subscribe, Unsubscribe, Write, Cancel, Ping>;

/// A request with the `id` to answer to (raw JSON; empty where none was given).
struct Message {
	std::string id;
	Request request;
};

/// What cannot be a request; `id` as far as it could be read.
struct BadMessage {
	std::string id;
	std::string message;
	std::string hint;
};

std::variant<Message, BadMessage> parse_message(std::string_view text);

} // namespace lockstep::wire

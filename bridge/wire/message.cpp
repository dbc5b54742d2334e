#include "wire/message.hpp"

#include "wire/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace lockstep::wire
{
namespace
{

constexpr int max_depth = 1000; // of values, as PostgreSQL itself would take about
constexpr std::size_t max_id_bytes = 256;
constexpr std::size_t max_operations = 10000;
constexpr std::size_t max_name_bytes = 1024;

/// Thrown inside this file only.
struct Malformed {
	std::string message;
	std::string hint = {};
};

std::optional<std::string_view> present(const JsonObject &object, std::string_view name)
{
	const auto value = object.find(name);
	if (!value || json_kind(*value) == JsonKind::null)
		return std::nullopt;
	return value;
}

std::optional<std::string> optional_string(const JsonObject &object, std::string_view name)
{
	const auto value = present(object, name);
	if (!value)
		return std::nullopt;
	if (json_kind(*value) != JsonKind::string)
		throw Malformed{"\"" + std::string(name) + "\" must be a string"};
	std::string text = json_string(*value);
	if (text.find('\0') != std::string::npos)
		throw Malformed{"\"" + std::string(name) + "\" must not contain the character U+0000"};
	return text;
}

std::optional<std::string> optional_name(const JsonObject &object, std::string_view name)
{
	auto text = optional_string(object, name);
	if (text && text->size() > max_name_bytes)
		throw Malformed{"\"" + std::string(name) + "\" is too long"};
	return text;
}

bool optional_boolean(const JsonObject &object, std::string_view name, bool otherwise)
{
	const auto value = present(object, name);
	if (!value)
		return otherwise;
	if (json_kind(*value) != JsonKind::boolean)
		throw Malformed{"\"" + std::string(name) + "\" must be true or false"};
	return *value == "true";
}

std::string required_table(const JsonObject &object)
{
	auto table = optional_name(object, "table");
	if (!table || table->empty())
		throw Malformed{"\"table\" is missing", "Name the table with its schema, as in \"public.orders\"."};
	return *table;
}

std::string required_object(const JsonObject &object, std::string_view name)
{
	const auto value = present(object, name);
	if (!value)
		throw Malformed{"\"" + std::string(name) + "\" is missing"};
	if (json_kind(*value) != JsonKind::object)
		throw Malformed{"\"" + std::string(name) + "\" must be an object"};
	return std::string(*value);
}

Subscribe parse_subscribe(const JsonObject &object)
{
	Subscribe result;
	result.table = required_table(object);
	if (result.table.ends_with(".*"))
		throw Malformed{
			"table patterns are not supported in this version", "Subscribe to each table by name."};
	if (present(object, "where"))
		result.where = required_object(object, "where");
	if (const auto columns = present(object, "columns")) {
		if (json_kind(*columns) != JsonKind::array)
			throw Malformed{"\"columns\" must be an array of column names"};
		result.columns.emplace();
		JsonWalk walk(*columns);
		JsonMember member;
		while (walk.next(member)) {
			if (json_kind(member.value) != JsonKind::string)
				throw Malformed{"\"columns\" must be an array of column names"};
			result.columns->push_back(json_string(member.value));
		}
	}
	result.since = optional_string(object, "since");
	result.shape = optional_string(object, "shape");
	result.snapshot = optional_boolean(object, "snapshot", true);
	if (const auto rows = optional_string(object, "rows")) {
		if (*rows != "changed" && *rows != "full")
			throw Malformed{"\"rows\" must be \"full\" or \"changed\""};
		result.changed_only = *rows == "changed";
	}
	if (const auto limit = present(object, "limit")) {
		std::uint64_t number = 0;
		const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), number);
		if (error != std::errc{} || end != limit->data() + limit->size() || number > 1'000'000'000)
			throw Malformed{"\"limit\" must be a number of rows"};
		result.limit = number;
	}
	return result;
}

Operation parse_operation(std::string_view text)
{
	const auto object = JsonObject::parse(text);
	if (!object)
		throw Malformed{"an operation must be an object"};
	Operation result;
	const std::string op = optional_string(*object, "op").value_or("");
	if (op == "insert")
		result.kind = Operation::Kind::insert;
	else if (op == "update")
		result.kind = Operation::Kind::update;
	else if (op == "delete")
		result.kind = Operation::Kind::erase;
	else
		throw Malformed{"\"op\" must be \"insert\", \"update\" or \"delete\""};
	result.table = required_table(*object);
	if (result.kind == Operation::Kind::insert) {
		result.values = required_object(*object, "row");
	} else {
		result.key = required_object(*object, "key");
		if (result.kind == Operation::Kind::update)
			result.values = required_object(*object, "set");
	}
	if (const auto version = present(*object, "version")) {
		// Clients whose numbers are doubles may send large ones as strings.
		std::string digits =
			json_kind(*version) == JsonKind::string ? json_string(*version) : std::string(*version);
		std::int64_t number = 0;
		const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
		if (error != std::errc{} || end != digits.data() + digits.size())
			throw Malformed{"\"version\" must be an integer"};
		if (result.kind == Operation::Kind::insert)
			throw Malformed{"an insert has no \"version\""};
		result.version = std::move(digits);
	}
	if (present(*object, "token"))
		throw Malformed{"record locks are not supported in this version"};
	return result;
}

Write parse_write(const JsonObject &object)
{
	Write result;
	result.mutation = optional_name(object, "mutation");
	if (result.mutation && result.mutation->empty())
		throw Malformed{"\"mutation\" must not be empty"};
	result.reason = optional_string(object, "reason");
	result.more = optional_boolean(object, "more", false);
	if (const auto piece = present(object, "piece")) {
		std::size_t number = 0;
		const auto [end, error] = std::from_chars(piece->data(), piece->data() + piece->size(), number);
		if (error != std::errc{} || end != piece->data() + piece->size())
			throw Malformed{"\"piece\" must be a number: 0 for the first piece"};
		result.piece = number;
	}
	if (result.more && !result.piece)
		throw Malformed{"\"more\" needs \"piece\"", "Number the pieces of a write 0, 1, 2, …"};
	const auto operations = present(object, "operations");
	if (!operations || json_kind(*operations) != JsonKind::array)
		throw Malformed{"\"operations\" must be an array"};
	JsonWalk walk(*operations);
	JsonMember member;
	while (walk.next(member)) {
		if (result.operations.size() == max_operations)
			throw Malformed{"a message has at most " + std::to_string(max_operations) + " operations",
				"Send the write in pieces."};
		result.operations.push_back(parse_operation(member.value));
	}
	if (result.operations.empty())
		throw Malformed{"\"operations\" must not be empty"};
	return result;
}

Request parse_request(const JsonObject &object, const std::string &id)
{
	static constexpr std::array<std::string_view, 9> later = {
		"lock", "renew", "unlock", "present", "listen", "publish", "join", "leave", "presence"};
	const auto type = optional_string(object, "type");
	if (!type)
		throw Malformed{"\"type\" is missing"};
	if (std::find(later.begin(), later.end(), *type) != later.end())
		throw Malformed{"message type \"" + *type + "\" is not supported in this version"};
	if (*type == "hello")
		return Hello{optional_name(object, "client"), optional_name(object, "actor")};
	if (*type == "ping")
		return Ping{};
	const bool known =
		*type == "subscribe" || *type == "unsubscribe" || *type == "write" || *type == "cancel";
	if (!known)
		throw Malformed{"unknown message type \"" + type->substr(0, 64) + "\""};
	if (id.empty())
		throw Malformed{"\"id\" is missing", "Give each request an id; its answer will carry it."};
	if (*type == "subscribe")
		return parse_subscribe(object);
	if (*type == "write")
		return parse_write(object);
	if (*type == "cancel") {
		const auto write = present(object, "write");
		if (!write)
			throw Malformed{"\"write\" is missing", "Give the id of the write that is to be given up."};
		return Cancel{std::string(*write)};
	}
	const auto subscription = present(object, "subscription");
	if (!subscription)
		throw Malformed{"\"subscription\" is missing", "Give the id of the subscribe that is to end."};
	return Unsubscribe{std::string(*subscription)};
}

} // namespace

std::variant<Message, BadMessage> parse_message(std::string_view text)
{
	std::string id;
	try {
		if (!valid_json(text, max_depth))
			throw Malformed{"message is not well-formed JSON"};
		const auto object = JsonObject::parse(text);
		if (!object)
			throw Malformed{"message must be a JSON object"};
		if (const auto value = present(*object, "id")) {
			const JsonKind kind = json_kind(*value);
			if ((kind != JsonKind::number && kind != JsonKind::string) || value->size() > max_id_bytes)
				throw Malformed{"\"id\" must be a number or a short string"};
			id = *value;
		}
		return Message{id, parse_request(*object, id)};
	} catch (Malformed &error) {
		return BadMessage{std::move(id), std::move(error.message), std::move(error.hint)};
	}
}

} // namespace lockstep::wire

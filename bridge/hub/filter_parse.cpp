#include "hub/filter.hpp"
#include "wire/json.hpp"

#include <array>
#include <optional>

namespace lockstep::hub
{
namespace
{

using wire::JsonKind;

constexpr int max_depth = 32;
constexpr std::size_t max_literals = 10000;

class Parser {
public:
	explicit Parser(const Table &table) : table_(table) {}

	Condition filter(std::string_view text, int depth)
	{
		const auto object = wire::JsonObject::parse(text);
		if (!object)
			throw FilterError{"a filter must be an object", "Write it as {\"column\": value}."};
		if (depth > max_depth)
			throw FilterError{"the filter is nested too deeply", ""};
		Condition result;
		for (const auto &[name, value] : object->members()) {
			if ((name == "and" || name == "or") && wire::json_kind(value) == JsonKind::array)
				result.parts.push_back(list(name == "and" ? Comparison::all : Comparison::any, value, depth));
			else if (name == "not" && wire::json_kind(value) == JsonKind::object)
				result.parts.push_back(negation(filter(value, depth + 1)));
			else
				result.parts.push_back(column(name, value, depth));
		}
		return single(std::move(result));
	}

private:
	Condition list(Comparison comparison, std::string_view array, int depth)
	{
		Condition result;
		result.comparison = comparison;
		wire::JsonWalk walk(array);
		wire::JsonMember member;
		while (walk.next(member))
			result.parts.push_back(filter(member.value, depth + 1));
		return result;
	}

	static Condition negation(Condition inner)
	{
		Condition result;
		result.comparison = Comparison::negate;
		result.parts.push_back(std::move(inner));
		return result;
	}

	/// A conjunction of one is that one.
	static Condition single(Condition all)
	{
		if (all.parts.size() != 1)
			return all;
		Condition only = std::move(all.parts.front());
		return only;
	}

	Condition column(const std::string &name, std::string_view value, int depth)
	{
		const int ordinal = table_.find(name);
		if (ordinal < 0)
			throw FilterError{"column \"" + name + "\" of table \"" + table_.name + "\" does not exist", ""};
		const Column &column = table_.columns[static_cast<std::size_t>(ordinal)];
		if (!column.readable)
			throw FilterError{"permission denied for column \"" + name + "\"", ""};
		if (!column.logged)
			throw FilterError{"column \"" + name + "\" is excluded from the feed", ""};
		if (column.kind == ColumnKind::json)
			throw FilterError{
				"filters on columns of type " + column.type + " are not supported in this version", ""};
		if (wire::json_kind(value) == JsonKind::object)
			return operators(ordinal, value, depth);
		return comparison(ordinal, "eq", value);
	}

	Condition operators(int ordinal, std::string_view value, int depth)
	{
		const auto object = wire::JsonObject::parse(value);
		if (!object || object->members().empty())
			throw FilterError{"no operator given for column \"" + name_of(ordinal) + "\"",
				"Write {\"column\": {\"gt\": value}}."};
		if (depth > max_depth)
			throw FilterError{"the filter is nested too deeply", ""};
		Condition result;
		for (const auto &[name, operand] : object->members()) {
			if (name == "not" && wire::json_kind(operand) == JsonKind::object)
				result.parts.push_back(negation(operators(ordinal, operand, depth + 1)));
			else
				result.parts.push_back(comparison(ordinal, name, operand));
		}
		return single(std::move(result));
	}

	Condition comparison(int ordinal, std::string_view name, std::string_view value)
	{
		struct Operator {
			std::string_view name;
			Comparison comparison;
		};
		static constexpr std::array<Operator, 9> operators = {
			{{"eq", Comparison::eq}, {"neq", Comparison::neq}, {"gt", Comparison::gt},
				{"gte", Comparison::gte}, {"lt", Comparison::lt}, {"lte", Comparison::lte},
				{"in", Comparison::in}, {"like", Comparison::like}, {"ilike", Comparison::ilike}}};
		const bool null = wire::json_kind(value) == JsonKind::null;
		Condition result;
		result.column = ordinal;
		if (name == "is")
			return is(std::move(result), value);
		if (null && (name == "eq" || name == "neq")) {
			result.comparison = Comparison::is_null;
			return name == "eq" ? std::move(result) : negation(std::move(result));
		}
		if (name == "contains")
			throw FilterError{"operator \"contains\" is not supported in this version", ""};
		std::optional<Comparison> found;
		for (const Operator &candidate : operators)
			if (candidate.name == name)
				found = candidate.comparison;
		if (!found)
			throw FilterError{"unknown operator \"" + std::string(name.substr(0, 64)) + "\"",
				"Operators are eq, neq, gt, gte, lt, lte, in, is, like, ilike, and, or, not."};
		if (null)
			throw FilterError{"operator \"" + std::string(name) + "\" cannot compare with null",
				"Use eq or neq to test for null."};
		result.comparison = *found;
		if (*found == Comparison::in)
			in(result, value);
		else
			result.values.push_back(literal(ordinal, value));
		if ((*found == Comparison::like || *found == Comparison::ilike) &&
			ends_in_escape(result.values.front().text))
			throw FilterError{"LIKE pattern must not end with escape character", ""};
		return result;
	}

	/// PostgreSQL says so only once it comes to a row that matches as far: long after the subscribe.
	static bool ends_in_escape(std::string_view pattern)
	{
		const std::size_t last = pattern.find_last_not_of('\\');
		const std::size_t backslashes =
			last == std::string_view::npos ? pattern.size() : pattern.size() - last - 1;
		return backslashes % 2 == 1;
	}

	void in(Condition &condition, std::string_view value)
	{
		if (wire::json_kind(value) != JsonKind::array)
			throw FilterError{"operator \"in\" needs an array", ""};
		wire::JsonWalk walk(value);
		wire::JsonMember member;
		while (walk.next(member)) {
			if (wire::json_kind(member.value) == JsonKind::null) {
				Literal null;
				null.null = true;
				condition.values.push_back(std::move(null));
			} else {
				condition.values.push_back(literal(condition.column, member.value));
			}
		}
	}

	Condition is(Condition condition, std::string_view value)
	{
		if (wire::json_kind(value) == JsonKind::null) {
			condition.comparison = Comparison::is_null;
			return condition;
		}
		const Column &column = table_.columns[static_cast<std::size_t>(condition.column)];
		if (wire::json_kind(value) != JsonKind::boolean || column.kind != ColumnKind::boolean)
			throw FilterError{"operator \"is\" needs null, or for a boolean column true or false", ""};
		condition.comparison = value == "true" ? Comparison::is_true : Comparison::is_false;
		return condition;
	}

	Literal literal(int ordinal, std::string_view value)
	{
		const JsonKind kind = wire::json_kind(value);
		if (kind == JsonKind::array || kind == JsonKind::object)
			throw FilterError{
				"column \"" + name_of(ordinal) + "\" cannot be compared with an array or object",
				"Use {\"in\": […]} to compare with several values."};
		if (++literals_ > max_literals)
			throw FilterError{"the filter has too many values", ""};
		Literal result;
		result.text = literal_text(value);
		if (result.text.find('\0') != std::string::npos)
			throw FilterError{"a value must not contain the character U+0000", ""};
		return result;
	}

	const std::string &name_of(int ordinal) const
	{
		return table_.columns[static_cast<std::size_t>(ordinal)].name;
	}

	const Table &table_;
	std::size_t literals_ = 0;
};

} // namespace

std::string literal_text(std::string_view json)
{
	return wire::json_kind(json) == JsonKind::string ? wire::json_string(json) : std::string(json);
}

std::variant<Condition, FilterError> parse_filter(const Table &table, std::string_view where)
{
	if (where.empty())
		return Condition{};
	try {
		return Parser(table).filter(where, 0);
	} catch (FilterError &error) {
		return std::move(error);
	}
}

} // namespace lockstep::hub

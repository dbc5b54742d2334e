#include "hub/filter.hpp"

#include "hub/moment.hpp"
#include "wire/json.hpp"

#include <algorithm>
#include <charconv>
#include <compare>
#include <optional>
#include <utility>

namespace lockstep::hub
{
namespace
{

bool is_moment(ColumnKind kind)
{
	return kind == ColumnKind::date || kind == ColumnKind::timestamp || kind == ColumnKind::timestamptz;
}

bool is_text(ColumnKind kind)
{
	return kind == ColumnKind::text || kind == ColumnKind::text_c;
}

bool is_equality(Comparison comparison)
{
	return comparison == Comparison::eq || comparison == Comparison::neq || comparison == Comparison::in;
}

/// The number that a raw image value stands for, in a column that compares as numbers.
std::optional<std::int64_t> image_number(ColumnKind kind, std::string_view image)
{
	if (kind == ColumnKind::boolean)
		return image == "true" ? 1 : 0;
	if (is_moment(kind))
		return image.size() < 2 ? std::nullopt
								: parse_moment(image.substr(1, image.size() - 2),
									  kind == ColumnKind::date ? MomentUnit::days : MomentUnit::microseconds);
	std::int64_t number = 0;
	const auto [end, error] = std::from_chars(image.data(), image.data() + image.size(), number);
	if (error != std::errc{} || end != image.data() + image.size())
		return std::nullopt;
	return number;
}

Truth negated(Truth truth)
{
	return truth == Truth::yes ? Truth::no : truth == Truth::no ? Truth::yes : Truth::unknown;
}

Truth truth(bool value)
{
	return value ? Truth::yes : Truth::no;
}

Truth decide(Comparison comparison, std::strong_ordering order)
{
	switch (comparison) {
	case Comparison::neq:
		return truth(order != 0);
	case Comparison::gt:
		return truth(order > 0);
	case Comparison::gte:
		return truth(order >= 0);
	case Comparison::lt:
		return truth(order < 0);
	case Comparison::lte:
		return truth(order <= 0);
	default: // eq, and each value of in
		return truth(order == 0);
	}
}

const char *sql_operator(Comparison comparison)
{
	switch (comparison) {
	case Comparison::neq:
		return " <> ";
	case Comparison::gt:
		return " > ";
	case Comparison::gte:
		return " >= ";
	case Comparison::lt:
		return " < ";
	case Comparison::lte:
		return " <= ";
	case Comparison::like:
		return " LIKE ";
	case Comparison::ilike:
		return " ILIKE ";
	default:
		return " = ";
	}
}

std::string column_sql(const Table &table, int ordinal)
{
	std::string out = "t.\"";
	for (const char c : table.columns[static_cast<std::size_t>(ordinal)].name) {
		if (c == '"')
			out += '"';
		out += c;
	}
	return out + '"';
}

} // namespace

Filter::Filter(TablePtr table, Condition condition)
	: table_(std::move(table)), condition_(std::move(condition))
{
	prepare(condition_);
	local_ = judged_here(condition_);
	write_sql(condition_);
	equality_ = find_equality(condition_);
}

void Filter::prepare(Condition &condition)
{
	for (Condition &part : condition.parts)
		prepare(part);
	if (condition.column < 0)
		return;
	const ColumnKind kind = table_->columns[static_cast<std::size_t>(condition.column)].kind;
	for (Literal &literal : condition.values) {
		if (literal.null)
			continue;
		if (kind == ColumnKind::boolean || kind == ColumnKind::integer || is_moment(kind))
			literal.number = image_number(kind, literal.image).value_or(0);
		else if (is_text(kind) && !literal.image.empty())
			literal.bytes = wire::json_string(literal.image);
	}
}

bool Filter::judged_here(const Condition &condition) const
{
	if (condition.column < 0)
		return std::all_of(condition.parts.begin(), condition.parts.end(),
			[this](const Condition &part) { return judged_here(part); });
	const ColumnKind kind = table_->columns[static_cast<std::size_t>(condition.column)].kind;
	switch (kind) {
	case ColumnKind::boolean:
	case ColumnKind::integer:
		return condition.comparison != Comparison::like && condition.comparison != Comparison::ilike;
	case ColumnKind::date:
	case ColumnKind::timestamp:
	case ColumnKind::timestamptz:
		if (condition.comparison == Comparison::like || condition.comparison == Comparison::ilike)
			return false;
		// A literal in a form that parse_moment() does not know is left to PostgreSQL.
		return std::all_of(condition.values.begin(), condition.values.end(), [kind](const Literal &literal) {
			return literal.null || image_number(kind, literal.image).has_value();
		});
	case ColumnKind::uuid:
	case ColumnKind::text:
		return is_equality(condition.comparison) || condition.comparison == Comparison::is_null;
	case ColumnKind::text_c:
		return condition.comparison != Comparison::like && condition.comparison != Comparison::ilike;
	default: // a composite value IS NULL when all its fields are
		return false;
	}
}

void Filter::write_literal(const Condition &condition, const Literal &literal)
{
	if (literal.null) {
		sql_ += "NULL";
		return;
	}
	const bool pattern =
		condition.comparison == Comparison::like || condition.comparison == Comparison::ilike;
	parameters_.push_back(literal.text);
	sql_ += "CAST($" + std::to_string(parameters_.size()) + "::pg_catalog.text AS ";
	sql_ +=
		pattern ? "pg_catalog.text" : table_->columns[static_cast<std::size_t>(condition.column)].cast_type;
	sql_ += ')';
}

void Filter::write_sql(const Condition &condition)
{
	switch (condition.comparison) {
	case Comparison::all:
	case Comparison::any: {
		const bool all = condition.comparison == Comparison::all;
		if (condition.parts.empty()) {
			sql_ += all ? "true" : "false";
			return;
		}
		sql_ += '(';
		for (std::size_t i = 0; i < condition.parts.size(); ++i) {
			if (i > 0)
				sql_ += all ? " AND " : " OR ";
			write_sql(condition.parts[i]);
		}
		sql_ += ')';
		return;
	}
	case Comparison::negate:
		sql_ += "NOT (";
		write_sql(condition.parts.front());
		sql_ += ')';
		return;
	case Comparison::in:
		if (!condition.values.empty())
			break;
		sql_ += "false"; // SQL has no empty list
		return;
	default:
		break;
	}
	sql_ += '(' + column_sql(*table_, condition.column);
	switch (condition.comparison) {
	case Comparison::is_null:
		sql_ += " IS NULL)";
		return;
	case Comparison::is_true:
		sql_ += " IS TRUE)";
		return;
	case Comparison::is_false:
		sql_ += " IS FALSE)";
		return;
	case Comparison::in:
		sql_ += " IN (";
		for (std::size_t i = 0; i < condition.values.size(); ++i) {
			if (i > 0)
				sql_ += ", ";
			write_literal(condition, condition.values[i]);
		}
		sql_ += "))";
		return;
	default:
		sql_ += sql_operator(condition.comparison);
		write_literal(condition, condition.values.front());
		sql_ += ')';
	}
}

Filter::Equality Filter::find_equality(const Condition &condition) const
{
	if (condition.comparison == Comparison::all) {
		for (const Condition &part : condition.parts) {
			Equality found = find_equality(part);
			if (found.column >= 0)
				return found;
		}
		return {};
	}
	if (condition.comparison != Comparison::eq && condition.comparison != Comparison::in)
		return {};
	const ColumnKind kind = table_->columns[static_cast<std::size_t>(condition.column)].kind;
	// Types whose equal values have equal images.
	if (kind != ColumnKind::boolean && kind != ColumnKind::integer && kind != ColumnKind::uuid &&
		!is_text(kind))
		return {};
	Equality result;
	result.column = condition.column;
	for (const Literal &literal : condition.values)
		if (!literal.null)
			result.images.push_back(literal.image);
	return result;
}

Truth Filter::compare(const Condition &condition, const Literal &literal, std::string_view value) const
{
	if (literal.null)
		return Truth::unknown;
	const ColumnKind kind = table_->columns[static_cast<std::size_t>(condition.column)].kind;
	if (kind == ColumnKind::boolean || kind == ColumnKind::integer || is_moment(kind)) {
		const auto number = image_number(kind, value);
		if (!number)
			return Truth::unknown; // not reached with images that PostgreSQL wrote; evaluate() checks
		return decide(condition.comparison, *number <=> literal.number);
	}
	if (is_equality(
			condition.comparison)) // both were written by the same function: equal values, equal bytes
		return decide(condition.comparison, value <=> std::string_view(literal.image));
	if (is_text(kind))
		return decide(condition.comparison, wire::json_string(value).compare(literal.bytes) <=> 0);
	return decide(condition.comparison, value <=> std::string_view(literal.image));
}

Truth Filter::evaluate(const Condition &condition, const RowImage &row, bool &blind) const
{
	switch (condition.comparison) {
	case Comparison::all:
	case Comparison::any: {
		// SQL's AND is the least of its parts' truths, OR the greatest.
		const bool all = condition.comparison == Comparison::all;
		Truth result = all ? Truth::yes : Truth::no;
		for (const Condition &part : condition.parts) {
			const Truth truth = evaluate(part, row, blind);
			result = all ? std::min(result, truth) : std::max(result, truth);
		}
		return result;
	}
	case Comparison::negate:
		return negated(evaluate(condition.parts.front(), row, blind));
	default:
		break;
	}
	const std::string_view value = row.value(condition.column);
	if (value.empty()) {
		blind = true;
		return Truth::unknown;
	}
	if (!judged_here(condition)) // its truth is not known here: the caller asks PostgreSQL
		return Truth::unknown;
	const bool null = value == "null";
	switch (condition.comparison) {
	case Comparison::is_null:
		return truth(null);
	case Comparison::is_true:
		return truth(value == "true");
	case Comparison::is_false:
		return truth(value == "false");
	default:
		break;
	}
	if (condition.comparison == Comparison::in) {
		Truth result = Truth::no; // of an empty list, even for NULL
		for (const Literal &literal : condition.values)
			result = std::max(result, null ? Truth::unknown : compare(condition, literal, value));
		return result;
	}
	return null ? Truth::unknown : compare(condition, condition.values.front(), value);
}

Filter::Verdict Filter::judge(const RowImage &row) const
{
	bool blind = false;
	if (local_) {
		const Truth truth = evaluate(condition_, row, blind);
		if (blind)
			return Verdict::blind;
		return truth == Truth::yes ? Verdict::yes : Verdict::no;
	}
	// What is judged here may already say no. Only whole conjuncts count: an unknown stands for "ask".
	bool excluded = false;
	if (condition_.comparison == Comparison::all)
		for (const Condition &part : condition_.parts)
			excluded |= evaluate(part, row, blind) != Truth::yes && judged_here(part);
	else
		evaluate(condition_, row, blind);
	if (blind)
		return Verdict::blind;
	return excluded ? Verdict::no : Verdict::ask;
}

} // namespace lockstep::hub

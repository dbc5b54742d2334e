// Filters: what a client's `where` says, as a tree; as SQL; and judged here, where that is exact.
#pragma once

#include "hub/row_image.hpp"
#include "hub/table.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lockstep::hub
{

/// SQL's three truth values.
enum class Truth : std::uint8_t { no, unknown, yes };

enum class Comparison : std::uint8_t {
	all, // and
	any, // or
	negate,
	eq,
	neq,
	gt,
	gte,
	lt,
	lte,
	in,
	is_null,
	is_true,
	is_false,
	like,
	ilike,
};

/// A value to compare with. PostgreSQL casts it to the column's type when a client subscribes, and gives it back in
/// its canonical forms: `text` as the type writes it, `image` as a row image would hold it.
struct Literal {
	std::string text;
	std::string image;
	bool null = false;
	std::int64_t number = 0; // integer, date and timestamp columns: set by Filter
	std::string bytes;       // ordered text: likewise
};

struct Condition {
	Comparison comparison = Comparison::all;
	int column = -1;
	std::vector<Literal> values;
	std::vector<Condition> parts;
};

/// Why a `where` was refused.
struct FilterError {
	std::string message;
	std::string hint;
};

/// Reads the `where` of a subscribe (empty: everything). Literals are as the client wrote them.
std::variant<Condition, FilterError> parse_filter(const Table &table, std::string_view where);

/// A literal as SQL would write it, from a JSON value: a string's content, or the text of anything else.
std::string literal_text(std::string_view json);

/// A filter whose literals are canonical. Immutable; safe to share between threads.
class Filter {
public:
	/// What the bridge can say of a row. `ask`: only PostgreSQL can judge; `blind`: the image lacks a value that the
	/// filter looks at.
	enum class Verdict : std::uint8_t { no, yes, ask, blind };

	Filter(TablePtr table, Condition condition);

	Verdict judge(const RowImage &row) const;
	/// Does judge() never answer `ask`?
	bool local() const { return local_; }

	/// The WHERE over a row named t; its parameters are text, from $1 on.
	const std::string &sql() const { return sql_; }
	const std::vector<std::string> &parameters() const { return parameters_; }

	/// A condition that every matching row fulfils: its column's value is one of these (raw image text). Column -1:
	/// there is none.
	struct Equality {
		int column = -1;
		std::vector<std::string> images;
	};
	const Equality &equality() const { return equality_; }

private:
	void prepare(Condition &condition);
	void write_sql(const Condition &condition);
	void write_literal(const Condition &condition, const Literal &literal);
	bool judged_here(const Condition &condition) const;
	Equality find_equality(const Condition &condition) const;
	Truth evaluate(const Condition &condition, const RowImage &row, bool &blind) const;
	Truth compare(const Condition &condition, const Literal &literal, std::string_view value) const;

	TablePtr table_;
	Condition condition_;
	bool local_ = true;
	std::string sql_;
	std::vector<std::string> parameters_;
	Equality equality_;
};

} // namespace lockstep::hub

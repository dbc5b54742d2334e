#include "hub/subscription.hpp"

#include "wire/json.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace lockstep::hub
{
namespace
{

std::string hash_name(const std::string &text)
{
	static constexpr std::array<char, 16> hex = {
		'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
	std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
	SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
	std::string out;
	for (std::size_t i = 0; i < 12; ++i) {
		out += hex[digest[i] >> 4];
		out += hex[digest[i] & 0xF];
	}
	return out;
}

} // namespace

Spec::Spec(TablePtr table, std::vector<int> columns, bool chosen, Condition condition, std::string where,
	bool changed_only)
	: table_(std::move(table)), columns_(std::move(columns)), chosen_(chosen),
	  filter_(table_, std::move(condition)), where_(std::move(where)), changed_only_(changed_only)
{
	selected_.resize(table_->columns.size());
	for (const int ordinal : columns_)
		selected_[static_cast<std::size_t>(ordinal)] = true;
	for (const Column &column : table_->columns)
		labels_.push_back(wire::quoted(column.name) + ":");

	// Every part is quoted: no two identities can run together.
	identity_ = wire::quoted(table_->name) + columns_json() + key_json() + wire::quoted(filter_.sql());
	for (const std::string &parameter : filter_.parameters())
		identity_ += wire::quoted(parameter);
	identity_ += changed_only_ ? "changed" : "full";
	shape_ = hash_name(identity_);
	// Not part of the shape, but what becomes of the subscription when a column is added depends on it.
	identity_ += chosen_ ? "chosen" : "all";
}

std::string Spec::columns_json() const
{
	std::string out = "[";
	for (const int ordinal : columns_) {
		const Column &column = table_->columns[static_cast<std::size_t>(ordinal)];
		if (out.size() > 1)
			out += ',';
		out += "{\"name\":" + wire::quoted(column.name) + ",\"type\":" + wire::quoted(column.type) + '}';
	}
	return out + ']';
}

std::string Spec::key_json() const
{
	std::string out = "[";
	for (const int ordinal : table_->key) {
		if (out.size() > 1)
			out += ',';
		wire::append_quoted(out, table_->columns[static_cast<std::size_t>(ordinal)].name);
	}
	return out + ']';
}

std::variant<std::vector<int>, FilterError> choose_columns(
	const Table &table, const std::optional<std::vector<std::string>> &names)
{
	std::vector<int> result;
	auto add = [&result](int ordinal) {
		if (std::find(result.begin(), result.end(), ordinal) == result.end())
			result.push_back(ordinal);
	};
	for (const int ordinal : table.key)
		if (!table.columns[static_cast<std::size_t>(ordinal)].readable)
			return FilterError{"permission denied for table " + table.name,
				"The bridge's role needs SELECT on at least the key columns."};
	if (!names) {
		for (std::size_t i = 0; i < table.columns.size(); ++i)
			if (table.columns[i].readable && table.columns[i].logged)
				add(static_cast<int>(i));
		return result;
	}
	for (const int ordinal : table.key)
		add(ordinal);
	for (const std::string &name : *names) {
		const int ordinal = table.find(name);
		if (ordinal < 0)
			return FilterError{"column \"" + name + "\" of table \"" + table.name + "\" does not exist", ""};
		const Column &column = table.columns[static_cast<std::size_t>(ordinal)];
		if (!column.readable)
			return FilterError{"permission denied for column \"" + name + "\"", ""};
		if (!column.logged)
			return FilterError{"column \"" + name + "\" is excluded from the feed", ""};
		add(ordinal);
	}
	// In the table's order, so that the same set in another order is the same subscription.
	std::sort(result.begin(), result.end());
	return result;
}

} // namespace lockstep::hub

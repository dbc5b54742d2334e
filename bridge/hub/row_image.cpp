#include "hub/row_image.hpp"

#include "hub/member_column.hpp"
#include "wire/json.hpp"

namespace lockstep::hub
{

bool RowImage::overlay(const Table &table, std::string_view row)
{
	wire::JsonWalk walk(row);
	wire::JsonMember member;
	while (walk.next(member)) {
		const int ordinal = member_column(table, member.key);
		if (ordinal >= 0)
			values_[static_cast<std::size_t>(ordinal)] = member.value;
	}
	return walk.ok();
}

bool RowImage::assign(const Table &table, std::string_view row, std::string_view old)
{
	values_.assign(table.columns.size(), {});
	return overlay(table, row) && (old.empty() || overlay(table, old));
}

std::string RowImage::text(const Table &table) const
{
	std::string out = "{";
	for (std::size_t i = 0; i < values_.size(); ++i) {
		if (values_[i].empty())
			continue;
		if (out.size() > 1)
			out += ',';
		wire::append_quoted(out, table.columns[i].name);
		out += ':';
		out += values_[i];
	}
	out += '}';
	return out;
}

} // namespace lockstep::hub

#pragma once

#include "hub/table.hpp"
#include "wire/json.hpp"

namespace lockstep::hub
{

/// The column that a member of a row image names, by its key as JSON writes it; -1 where there is none.
inline int member_column(const Table &table, std::string_view key)
{
	if (key.find('\\') == std::string_view::npos)
		return table.find(key);
	return table.find(wire::json_string("\"" + std::string(key) + "\""));
}

} // namespace lockstep::hub

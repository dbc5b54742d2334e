// What the bridge knows of a tracked table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lockstep::hub
{

/// How far the bridge itself can judge a column's values. Only where its answer is surely PostgreSQL's.
enum class ColumnKind : std::uint8_t {
	boolean,
	integer, // int2, int4, int8
	uuid,
	text,   // text or varchar with a deterministic collation: equal means the same bytes
	text_c, // … and ordered by bytes
	date,   // date, timestamp, timestamptz: microseconds
	timestamp,
	timestamptz,
	json, // no filter: its image does not tell SQL NULL from a JSON null
	other // PostgreSQL judges
};

struct Column {
	std::string name;
	std::string type;      // as shown to clients: numeric(10,2)
	std::string cast_type; // as SQL casts to it, without length: numeric
	ColumnKind kind = ColumnKind::other;
	bool readable = true; // by the bridge's role
	bool logged = true;   // false: excluded from the log
};

/// Immutable; safe to share between threads.
struct Table {
	std::uint32_t relid = 0;
	std::string name; // qualified, and quoted as SQL wants it
	std::vector<Column> columns;
	std::vector<int> key;      // ordinals into `columns`
	int version = -1;          // likewise
	bool row_security = false; // policies apply to the bridge's role
	bool lockable = true; // the bridge's role may LOCK it: has SELECT on the table, not on some columns only

	int find(std::string_view column) const
	{
		const auto at = by_name.find(column);
		return at == by_name.end() ? -1 : at->second;
	}
	/// To be called once `columns` is complete.
	void index()
	{
		by_name.clear();
		for (std::size_t i = 0; i < columns.size(); ++i)
			by_name.emplace(columns[i].name, static_cast<int>(i));
	}

private:
	std::unordered_map<std::string_view, int> by_name;
};

using TablePtr = std::shared_ptr<const Table>;

} // namespace lockstep::hub

// A row as the log writes it: jsonb text, seen as raw values by column.
#pragma once

#include "hub/table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lockstep::hub
{

/// Views into the text of one row image. A value that is missing (excluded, omitted, or from before its column was
/// added) is an empty view; SQL NULL is `null`.
class RowImage {
public:
	RowImage() = default;
	/// Takes the members of `row`; then those of `old` over them, where given (the image before an update).
	/// False where the text is not a JSON object.
	bool assign(const Table &table, std::string_view row, std::string_view old = {});

	std::string_view value(int ordinal) const { return values_[static_cast<std::size_t>(ordinal)]; }
	/// The image as JSON text again (with the overlay).
	std::string text(const Table &table) const;

private:
	bool overlay(const Table &table, std::string_view row);

	std::vector<std::string_view> values_;
};

} // namespace lockstep::hub

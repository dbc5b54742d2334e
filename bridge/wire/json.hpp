// JSON as text: slices of it are found and spliced, never converted. A number keeps every digit that its writer wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lockstep::wire
{

/// Is `text` one well-formed JSON value (RFC 8259), nested no deeper than `max_depth`?
bool valid_json(std::string_view text, int max_depth = 64);

/// The kind of a well-formed value, told from its first character.
enum class JsonKind { null, boolean, number, string, array, object };
JsonKind json_kind(std::string_view value);

/// Appends `text` as a JSON string, quotes included.
void append_quoted(std::string &out, std::string_view text);
std::string quoted(std::string_view text);

/// The content of a JSON string. `value` must be well-formed.
std::string json_string(std::string_view value);

/// A member of an object: the key between its quotes as written, and the value's text.
struct JsonMember {
	std::string_view key;
	std::string_view value;
};

/// Walks over the top level of an object or array in well-formed JSON. Whitespace around values is not part of them.
/// Malformed text ends the walk early (ok() is false then); it is never read beyond its end.
class JsonWalk {
public:
	explicit JsonWalk(std::string_view container);

	/// Next member of an object (of an array: with an empty key). False at the end.
	bool next(JsonMember &member);
	bool ok() const { return ok_; }

private:
	void skip_blanks();
	bool take_string(std::string_view &content);
	bool take_value(std::string_view &value);

	std::string_view rest_;
	bool object_ = false;
	bool first_ = true;
	bool ok_ = true;
	bool done_ = false;
};

/// The members of a small object, by decoded key. The values are views into the text it was made of.
class JsonObject {
public:
	/// Nothing where `text` is not an object. `text` must be well-formed.
	static std::optional<JsonObject> parse(std::string_view text);

	/// The raw value (of the last member of that name), or nothing.
	std::optional<std::string_view> find(std::string_view key) const;
	const std::vector<std::pair<std::string, std::string_view>> &members() const { return members_; }

private:
	std::vector<std::pair<std::string, std::string_view>> members_;
};

} // namespace lockstep::wire

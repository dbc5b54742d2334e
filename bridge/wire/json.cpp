#include "wire/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace lockstep::wire
{
namespace
{

bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Checks the grammar. Not nlohmann's parser, because that turns numbers into doubles and refuses 1e400, which
/// PostgreSQL's numeric holds well.
class Grammar {
public:
	Grammar(std::string_view text, int max_depth) : rest_(text), room_(max_depth) {}

	bool whole()
	{
		if (!value())
			return false;
		blanks();
		return rest_.empty();
	}

private:
	void blanks()
	{
		while (!rest_.empty() && is_blank(rest_.front()))
			rest_.remove_prefix(1);
	}
	bool take(char c)
	{
		if (rest_.empty() || rest_.front() != c)
			return false;
		rest_.remove_prefix(1);
		return true;
	}
	bool word(std::string_view expected)
	{
		if (!rest_.starts_with(expected))
			return false;
		rest_.remove_prefix(expected.size());
		return true;
	}
	bool digits()
	{
		const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
		rest_.remove_prefix(count);
		return count > 0;
	}
	bool number()
	{
		take('-');
		if (!take('0') && !digits())
			return false;
		if (take('.') && !digits())
			return false;
		if (take('e') || take('E')) {
			if (!take('+'))
				take('-');
			return digits();
		}
		return true;
	}
	bool string()
	{
		if (!take('"'))
			return false;
		while (!rest_.empty()) {
			const char c = rest_.front();
			rest_.remove_prefix(1);
			if (c == '"')
				return true;
			if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape()))
				return false;
		}
		return false;
	}
	bool escape()
	{
		if (rest_.empty())
			return false;
		const char c = rest_.front();
		rest_.remove_prefix(1);
		if (c != 'u')
			return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
		const std::optional<unsigned> unit = hex4();
		if (!unit || (*unit >= 0xDC00 && *unit <= 0xDFFF))
			return false;
		if (*unit < 0xD800 || *unit > 0xDBFF)
			return true;
		if (!word("\\u"))
			return false;
		const std::optional<unsigned> low = hex4();
		return low && *low >= 0xDC00 && *low <= 0xDFFF;
	}
	std::optional<unsigned> hex4()
	{
		unsigned unit = 0;
		if (rest_.size() < 4)
			return std::nullopt;
		const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, unit, 16);
		if (error != std::errc{} || end != rest_.data() + 4)
			return std::nullopt;
		rest_.remove_prefix(4);
		return unit;
	}
	bool container(char end, bool object)
	{
		rest_.remove_prefix(1);
		if (--room_ < 0)
			return false;
		blanks();
		if (!take(end)) {
			do {
				blanks();
				if (object && !(string() && (blanks(), take(':'))))
					return false;
				if (!value())
					return false;
				blanks();
			} while (take(','));
			if (!take(end))
				return false;
		}
		++room_;
		return true;
	}
	bool value()
	{
		blanks();
		switch (rest_.empty() ? '\0' : rest_.front()) {
		case '{':
			return container('}', true);
		case '[':
			return container(']', false);
		case '"':
			return string();
		case 't':
			return word("true");
		case 'f':
			return word("false");
		case 'n':
			return word("null");
		default:
			return number();
		}
	}

	std::string_view rest_;
	int room_;
};

} // namespace

bool valid_json(std::string_view text, int max_depth)
{
	return Grammar(text, max_depth).whole();
}

JsonKind json_kind(std::string_view value)
{
	switch (value.empty() ? 'n' : value.front()) {
	case '{':
		return JsonKind::object;
	case '[':
		return JsonKind::array;
	case '"':
		return JsonKind::string;
	case 't':
	case 'f':
		return JsonKind::boolean;
	case 'n':
		return JsonKind::null;
	default:
		return JsonKind::number;
	}
}

void append_quoted(std::string &out, std::string_view text)
{
	static constexpr std::array<char, 16> hex = {
		'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
	out += '"';
	for (const char c : text) {
		const auto byte = static_cast<unsigned char>(c);
		if (c == '"' || c == '\\') {
			out += '\\';
			out += c;
		} else if (byte >= 0x20) {
			out += c;
		} else if (c == '\n') {
			out += "\\n";
		} else if (c == '\t') {
			out += "\\t";
		} else {
			out += "\\u00";
			out += hex[byte >> 4];
			out += hex[byte & 0xF];
		}
	}
	out += '"';
}

std::string quoted(std::string_view text)
{
	std::string out;
	out.reserve(text.size() + 2);
	append_quoted(out, text);
	return out;
}

std::string json_string(std::string_view value)
{
	if (value.find('\\') == std::string_view::npos)
		return std::string(value.substr(1, value.size() - 2));
	return nlohmann::json::parse(value).get<std::string>();
}

JsonWalk::JsonWalk(std::string_view container) : rest_(container)
{
	skip_blanks();
	if (rest_.empty() || (rest_.front() != '{' && rest_.front() != '[')) {
		ok_ = false;
		done_ = true;
		return;
	}
	object_ = rest_.front() == '{';
	rest_.remove_prefix(1);
}

void JsonWalk::skip_blanks()
{
	while (!rest_.empty() && is_blank(rest_.front()))
		rest_.remove_prefix(1);
}

bool JsonWalk::take_string(std::string_view &content)
{
	if (rest_.empty() || rest_.front() != '"')
		return false;
	std::size_t at = 1;
	while (true) {
		at = rest_.find_first_of("\"\\", at);
		if (at == std::string_view::npos)
			return false;
		if (rest_[at] == '"')
			break;
		at += 2; // whatever is escaped, it is not the end
	}
	content = rest_.substr(1, at - 1);
	rest_.remove_prefix(at + 1);
	return true;
}

bool JsonWalk::take_value(std::string_view &value)
{
	const std::string_view begin = rest_;
	std::string_view ignored;
	if (rest_.empty())
		return false;
	if (rest_.front() == '"') {
		if (!take_string(ignored))
			return false;
	} else if (rest_.front() == '{' || rest_.front() == '[') {
		int depth = 0;
		do {
			const std::size_t at = rest_.find_first_of("\"{}[]");
			if (at == std::string_view::npos)
				return false;
			rest_.remove_prefix(at);
			if (rest_.front() == '"') {
				if (!take_string(ignored))
					return false;
				continue;
			}
			depth += rest_.front() == '{' || rest_.front() == '[' ? 1 : -1;
			rest_.remove_prefix(1);
		} while (depth > 0);
	} else {
		const std::size_t at = rest_.find_first_of(",]} \t\n\r");
		if (at == std::string_view::npos || at == 0)
			return false;
		rest_.remove_prefix(at);
	}
	value = begin.substr(0, begin.size() - rest_.size());
	return true;
}

bool JsonWalk::next(JsonMember &member)
{
	if (done_)
		return false;
	auto fail = [this] {
		ok_ = false;
		done_ = true;
		return false;
	};
	skip_blanks();
	if (rest_.empty())
		return fail();
	if (rest_.front() == (object_ ? '}' : ']')) {
		done_ = true;
		return false;
	}
	if (!first_) {
		if (rest_.front() != ',')
			return fail();
		rest_.remove_prefix(1);
		skip_blanks();
	}
	first_ = false;
	member.key = {};
	if (object_) {
		if (!take_string(member.key))
			return fail();
		skip_blanks();
		if (rest_.empty() || rest_.front() != ':')
			return fail();
		rest_.remove_prefix(1);
		skip_blanks();
	}
	return take_value(member.value) || fail();
}

std::optional<JsonObject> JsonObject::parse(std::string_view text)
{
	JsonObject result;
	const std::size_t at = text.find_first_not_of(" \t\n\r");
	if (at == std::string_view::npos || text[at] != '{')
		return std::nullopt;
	JsonWalk walk(text);
	JsonMember member;
	while (walk.next(member)) {
		if (member.key.find('\\') == std::string_view::npos)
			result.members_.emplace_back(member.key, member.value);
		else
			result.members_.emplace_back(json_string("\"" + std::string(member.key) + "\""), member.value);
	}
	if (!walk.ok())
		return std::nullopt;
	return result;
}

std::optional<std::string_view> JsonObject::find(std::string_view key) const
{
	for (auto at = members_.rbegin(); at != members_.rend(); ++at)
		if (at->first == key)
			return at->second;
	return std::nullopt;
}

} // namespace lockstep::wire

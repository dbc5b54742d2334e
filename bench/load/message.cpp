#include "message.hpp"

#include <map>
#include <nlohmann/json.hpp>

namespace lockstep::bench
{

namespace
{

using nlohmann::json;

// Enough for the clients of a loop to be some hundred batches apart.
constexpr std::size_t most_entries = 1024;
constexpr std::size_t most_bytes = 64 << 20;

Message::Type type_of(const std::string &name)
{
	static const std::map<std::string, Message::Type> names = {
		{"welcome", Message::Type::welcome},
		{"subscribed", Message::Type::subscribed},
		{"snapshot", Message::Type::snapshot},
		{"changes", Message::Type::changes},
		{"behind", Message::Type::behind},
		{"refetch", Message::Type::refetch},
		{"error", Message::Type::error},
	};
	const auto found = names.find(name);
	return found == names.end() ? Message::Type::other : found->second;
}

/// False when it is not what PROTOCOL says.
bool take_change(const json &change, Message &message)
{
	if (!change.is_object())
		return false;
	const auto row = change.find("row");
	if (row == change.end())
		return true; // a delete, a truncate
	const auto stamp = row->find("sent_ns");
	if (stamp == row->end() || !stamp->is_number_integer())
		return false;
	if (*stamp == marker_stamp)
		message.marker = true;
	else
		message.stamps.push_back(stamp->get<std::int64_t>());
	return true;
}

bool take_changes(const json &document, Message &message)
{
	message.coalesced = document.value("coalesced", false);
	const auto transactions = document.find("transactions");
	if (transactions == document.end() || !transactions->is_array())
		return false;
	for (const json &transaction : *transactions) {
		const auto changes = transaction.find("changes");
		if (changes == transaction.end() || !changes->is_array())
			return false;
		for (const json &change : *changes)
			if (!take_change(change, message))
				return false;
	}
	return true;
}

} // namespace

Message understand(std::string_view text)
{
	const json document = json::parse(text, nullptr, false);
	Message message;
	if (!document.is_object())
		return message;
	const auto type = document.find("type");
	if (type == document.end() || !type->is_string())
		return message;
	message.type = type_of(*type);
	if (message.type == Message::Type::snapshot)
		message.last = document.value("last", false);
	if (message.type == Message::Type::changes && !take_changes(document, message))
		return {};
	return message;
}

const Message &MessageMemory::look(std::string_view text, std::uint64_t &place)
{
	const std::uint64_t end = first_ + entries_.size();
	const std::uint64_t next = place + 1;
	const auto same = [&](std::uint64_t at) { return entries_[at - first_].text == text; };
	if (next >= first_ && next < end && same(next)) {
		place = next;
		return entries_[next - first_].message;
	}
	for (std::uint64_t at = end; at-- > first_;)
		if (same(at)) {
			place = at;
			return entries_[at - first_].message;
		}
	++parsed_;
	entries_.push_back({std::string(text), understand(text)});
	bytes_ += text.size();
	place = end;
	while (entries_.size() > 1 && (entries_.size() > most_entries || bytes_ > most_bytes))
		forget_oldest();
	return entries_.back().message;
}

void MessageMemory::forget_oldest()
{
	bytes_ -= entries_.front().text.size();
	entries_.pop_front();
	++first_;
}

} // namespace lockstep::bench

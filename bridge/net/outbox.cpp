#include "net/outbox.hpp"

#include <algorithm>
#include <utility>

namespace lockstep::net
{

void Outbox::add(Item item)
{
	bytes_ += item.frame->size();
	if (item.firm)
		firm_bytes_ += item.frame->size();
	items_.push_back(std::move(item));
}

void Outbox::push(wire::FramePtr frame)
{
	add({std::move(frame), 0, 0, nullptr, true, false});
}

void Outbox::push_live(hub::SubscriptionId subscription, Ticket ticket, wire::FramePtr frame,
	wire::PositionPtr before, bool more)
{
	add({std::move(frame), subscription, ticket, std::move(before), false, more});
}

void Outbox::push_position(wire::FramePtr frame)
{
	add({std::move(frame), 0, 0, nullptr, false, false});
}

std::size_t Outbox::gather(std::span<iovec> out) const
{
	std::size_t count = 0;
	std::size_t offset = offset_;
	for (const Item &item : items_) {
		if (count == out.size())
			break;
		const std::string_view rest = item.frame->wire().substr(offset);
		offset = 0;
		// The kernel reads from it only; iovec has no const.
		out[count++] = {const_cast<char *>(rest.data()), rest.size()};
	}
	return count;
}

void Outbox::follow(Split &split, const Item &item)
{
	if (item.subscription == 0)
		return;
	std::erase(split, item.subscription);
	if (item.more)
		split.push_back(item.subscription);
}

std::size_t Outbox::consume(std::size_t sent)
{
	std::size_t frames = 0;
	offset_ += sent;
	while (!items_.empty() && offset_ >= items_.front().frame->size()) {
		const Item &first = items_.front();
		offset_ -= first.frame->size();
		bytes_ -= first.frame->size();
		if (first.firm)
			firm_bytes_ -= first.frame->size();
		follow(split_, first);
		items_.pop_front();
		++frames;
	}
	return frames;
}

template <class Keep> void Outbox::filter(Keep keep)
{
	std::deque<Item> kept;
	std::size_t at = 0;
	for (Item &item : items_) {
		const bool begun = at++ == 0 && offset_ > 0;
		if (begun || keep(item))
			kept.push_back(std::move(item));
		else
			bytes_ -= item.frame->size();
	}
	items_ = std::move(kept);
}

std::vector<Outbox::Lost> Outbox::drop()
{
	std::vector<Lost> lost;
	Split split = split_;
	if (offset_ > 0)
		follow(split, items_.front());
	filter([&](const Item &item) {
		if (item.firm)
			return true;
		if (item.subscription == 0)
			return false;
		if (std::find(split.begin(), split.end(), item.subscription) != split.end()) {
			follow(split, item);
			return true;
		}
		const bool known = std::any_of(lost.begin(), lost.end(), [&](const Lost &entry) {
			return entry.subscription == item.subscription && entry.ticket == item.ticket;
		});
		if (!known)
			lost.push_back({item.subscription, item.ticket, item.before});
		return false;
	});
	return lost;
}

void Outbox::forget(hub::SubscriptionId subscription)
{
	filter([subscription](const Item &item) { return item.firm || item.subscription != subscription; });
	std::erase(split_, subscription);
}

} // namespace lockstep::net

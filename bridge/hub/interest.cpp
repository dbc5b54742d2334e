#include "hub/interest.hpp"

#include <algorithm>

namespace lockstep::hub
{
namespace
{

void append_once(std::vector<Subscription *> &out, std::size_t start, Subscription *subscription)
{
	if (std::find(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), subscription) == out.end())
		out.push_back(subscription);
}

} // namespace

void Interest::add(Subscription *subscription)
{
	all_.push_back(subscription);
	const Filter::Equality &equality = subscription->spec->filter().equality();
	if (equality.column < 0) {
		unconditional_.push_back(subscription);
		return;
	}
	auto at = std::find_if(columns_.begin(), columns_.end(),
		[&](const ByColumn &entry) { return entry.column == equality.column; });
	if (at == columns_.end())
		at = columns_.insert(columns_.end(), {equality.column, {}});
	for (const std::string &image : equality.images)
		append_once(at->values[image], 0, subscription);
}

void Interest::remove(Subscription *subscription)
{
	std::erase(all_, subscription);
	std::erase(unconditional_, subscription);
	for (ByColumn &entry : columns_)
		for (auto at = entry.values.begin(); at != entry.values.end();) {
			std::erase(at->second, subscription);
			at = at->second.empty() ? entry.values.erase(at) : std::next(at);
		}
	std::erase_if(columns_, [](const ByColumn &entry) { return entry.values.empty(); });
}

void Interest::concerned(
	const RowImage *before, const RowImage *after, std::vector<Subscription *> &out) const
{
	const std::size_t start = out.size();
	out.insert(out.end(), unconditional_.begin(), unconditional_.end());
	for (const ByColumn &entry : columns_) {
		const std::size_t own = out.size();
		for (const RowImage *image : {before, after}) {
			if (image == nullptr)
				continue;
			const std::string_view value = image->value(entry.column);
			if (value.empty()) { // an image without the value can concern any of them
				for (const auto &[ignored, bucket] : entry.values)
					for (Subscription *subscription : bucket)
						append_once(out, start, subscription);
				continue;
			}
			const auto found = entry.values.find(value);
			if (found == entry.values.end())
				continue;
			if (out.size() == own) {
				out.insert(out.end(), found->second.begin(), found->second.end());
			} else {
				for (Subscription *subscription : found->second)
					append_once(out, own, subscription);
			}
		}
	}
}

} // namespace lockstep::hub

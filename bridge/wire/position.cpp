#include "wire/position.hpp"

#include <algorithm>
#include <iterator>

namespace lockstep::wire
{

PositionPtr Position::parse(std::string_view text)
{
	Position result;
	result.running_.resize(core::parsed_running_bound(text.size()));
	core::PositionView view;
	if (!core::parse_position(text, result.running_, view))
		return nullptr;
	result.text_ = text;
	result.identity_ = view.identity;
	result.lsn_ = view.lsn;
	result.xmin_ = view.xmin;
	result.xmax_ = view.xmax;
	result.running_.resize(view.running.size());
	result.running_.shrink_to_fit();
	return std::make_shared<const Position>(std::move(result));
}

PositionPtr Position::unite(const PositionPtr &one, const PositionPtr &other)
{
	if (one->covers(*other))
		return one;
	if (other->covers(*one))
		return other;
	// Unseen by both: listed by the one that reaches further, and not seen by the other.
	const Position &far = one->xmax_ >= other->xmax_ ? *one : *other;
	const Position &near = &far == one.get() ? *other : *one;
	Position result;
	result.identity_ = far.identity_;
	result.identity_.timeline = std::max(one->identity_.timeline, other->identity_.timeline);
	result.lsn_ = std::max(one->lsn_, other->lsn_);
	result.xmax_ = far.xmax_;
	std::copy_if(far.running_.begin(), far.running_.end(), std::back_inserter(result.running_),
		[&near](Xid xid) { return !near.sees(xid); });
	result.xmin_ = result.running_.empty() ? result.xmax_ : result.running_.front();
	result.text_.resize(core::formatted_size(result.running_.size()));
	char *const end = core::format_position(result.view(), result.text_.data());
	result.text_.resize(static_cast<std::size_t>(end - result.text_.data()));
	return std::make_shared<const Position>(std::move(result));
}

} // namespace lockstep::wire

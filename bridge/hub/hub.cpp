#include "hub/hub.hpp"

#include <algorithm>

namespace lockstep::hub
{

SubscriptionPtr Hub::acquire(SpecPtr spec)
{
	const auto known = by_identity_.find(spec->identity());
	// The same words about another state of the catalogue (a table dropped and made again) are another subscription.
	if (known != by_identity_.end() && known->second->spec->table().relid == spec->table().relid) {
		++known->second->holders;
		return known->second;
	}
	auto subscription = std::make_shared<Subscription>();
	subscription->id = ++last_id_;
	subscription->name = "s" + std::to_string(subscription->id);
	subscription->spec = std::move(spec);
	subscription->holders = 1;
	subscriptions_.emplace(subscription->id, subscription);
	list(subscription);
	return subscription;
}

bool Hub::release(SubscriptionId id)
{
	const auto found = subscriptions_.find(id);
	if (found == subscriptions_.end() || --found->second->holders > 0)
		return false;
	unlist(found->second);
	subscriptions_.erase(found);
	return true;
}

void Hub::respecify(SubscriptionId id, SpecPtr spec)
{
	const SubscriptionPtr subscription = find(id);
	if (!subscription)
		return;
	unlist(subscription);
	subscription->spec = std::move(spec);
	list(subscription);
}

SubscriptionPtr Hub::find(SubscriptionId id) const
{
	const auto found = subscriptions_.find(id);
	return found == subscriptions_.end() ? nullptr : found->second;
}

std::vector<SubscriptionPtr> Hub::all() const
{
	std::vector<SubscriptionPtr> result;
	for (const auto &[id, subscription] : subscriptions_)
		result.push_back(subscription);
	return result;
}

std::vector<SubscriptionPtr> Hub::of_table(std::uint32_t relid) const
{
	std::vector<SubscriptionPtr> result;
	for (const auto &[id, subscription] : subscriptions_)
		if (subscription->spec->table().relid == relid)
			result.push_back(subscription);
	return result;
}

void Hub::list(const SubscriptionPtr &subscription)
{
	// Two subscriptions may come to mean the same when their table changes: the later one is found from then on.
	by_identity_[subscription->spec->identity()] = subscription;
	const TablePtr &table = subscription->spec->table_ptr();
	std::vector<Interest> &interests = interests_[table->relid];
	auto at = std::find_if(interests.begin(), interests.end(),
		[&](const Interest &interest) { return interest.table() == table; });
	if (at == interests.end())
		at = interests.insert(interests.end(), Interest(table));
	at->add(subscription.get());
}

void Hub::unlist(const SubscriptionPtr &subscription)
{
	const auto known = by_identity_.find(subscription->spec->identity());
	if (known != by_identity_.end() && known->second == subscription)
		by_identity_.erase(known);
	const auto found = interests_.find(subscription->spec->table().relid);
	if (found == interests_.end())
		return;
	for (Interest &interest : found->second)
		if (interest.table() == subscription->spec->table_ptr())
			interest.remove(subscription.get());
	std::erase_if(found->second, [](const Interest &interest) { return interest.all().empty(); });
	if (found->second.empty())
		interests_.erase(found);
}

} // namespace lockstep::hub

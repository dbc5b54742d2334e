// The hub: who is subscribed to what.
#pragma once

#include "hub/changes_frame.hpp"
#include "hub/judgement.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace lockstep::hub
{

/// What every shard is told once for each batch.
struct Delivery {
	wire::PositionPtr before;
	wire::PositionPtr after;
	std::vector<ChangesPtr> changes;
};

using DeliveryPtr = std::shared_ptr<const Delivery>;

/// Keeps the subscriptions: one for each distinct spec, shared by all that ask for it.
/// Knows no socket and no database. Shared object: only from the core thread.
class Hub {
public:
	/// The subscription to `spec`, made where there is none yet; to be released once for each acquire.
	SubscriptionPtr acquire(SpecPtr spec);
	/// True where it was the last holder, and the subscription is gone.
	bool release(SubscriptionId id);

	/// From now on the subscription means `spec` (its table changed).
	void respecify(SubscriptionId id, SpecPtr spec);

	SubscriptionPtr find(SubscriptionId id) const;
	std::vector<SubscriptionPtr> all() const;
	std::vector<SubscriptionPtr> of_table(std::uint32_t relid) const;
	const Judgement::Interests &interests() const { return interests_; }
	std::size_t size() const { return subscriptions_.size(); }

private:
	void list(const SubscriptionPtr &subscription);
	void unlist(const SubscriptionPtr &subscription);

	SubscriptionId last_id_ = 0;
	std::map<SubscriptionId, SubscriptionPtr> subscriptions_;
	std::unordered_map<std::string, SubscriptionPtr> by_identity_;
	Judgement::Interests interests_;
};

} // namespace lockstep::hub

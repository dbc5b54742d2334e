#include "net/tail.hpp"

#include <atomic>
#include <utility>

namespace lockstep::net
{

Ticket next_ticket()
{
	static std::atomic<Ticket> last{0};
	return ++last;
}

void Tail::hold(Ticket ticket, Work work)
{
	if (work == Work::snapshot)
		resume_ = nullptr;
	// A client may resume from one position while it is still owed what came since another.
	owed_ = work == Work::resume && resume_;
	if (phase_ != Phase::holding || work == Work::snapshot)
		release_held();
	phase_ = Phase::holding;
	ticket_ = ticket;
	seen_ = nullptr;
}

void Tail::release_held()
{
	held_.clear();
	held_bytes_ = 0;
	overflowed_ = false;
}

hub::ChangesPtr Tail::unseen(const hub::Changes &changes)
{
	hub::ChangesPtr own = hub::without(changes, seen_);
	if (own)
		seen_ = own->after; // which does not grow before the last piece of a transaction
	return own;
}

hub::ChangesPtr Tail::take(const hub::ChangesPtr &changes)
{
	switch (phase_) {
	case Phase::live:
		return changes;
	case Phase::settling:
		return unseen(*changes);
	case Phase::lapsed:
		return nullptr;
	case Phase::holding:
		break;
	}
	if (overflowed_)
		return nullptr;
	held_bytes_ += changes->frame->size();
	if (held_bytes_ > max_held_bytes_) {
		release_held();
		overflowed_ = true; // what is let go here is read from the log once the work is done
		return nullptr;
	}
	held_.push_back(changes);
	return nullptr;
}

std::vector<hub::ChangesPtr> Tail::settle(wire::PositionPtr seen, const wire::PositionPtr &feed)
{
	std::vector<hub::ChangesPtr> result;
	if (owed_ || overflowed_) {
		lapse(owed_ ? resume_ : seen);
		return result;
	}
	seen_ = std::move(seen);
	for (const hub::ChangesPtr &changes : held_) {
		if (hub::ChangesPtr own = unseen(*changes))
			result.push_back(std::move(own));
	}
	release_held();
	resume_ = nullptr;
	phase_ = Phase::settling;
	advance(feed);
	return result;
}

void Tail::advance(const wire::PositionPtr &feed)
{
	if (phase_ != Phase::settling)
		return;
	seen_ = wire::Position::unite(seen_, feed);
	if (!feed->covers(*seen_))
		return;
	phase_ = Phase::live;
	seen_ = nullptr;
}

void Tail::lapse(wire::PositionPtr resume)
{
	release_held();
	resume_ = std::move(resume);
	owed_ = false;
	seen_ = nullptr;
	phase_ = Phase::lapsed;
}

} // namespace lockstep::net

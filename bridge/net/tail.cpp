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

wire::PositionPtr Tail::reached(const wire::PositionPtr &feed) const
{
	switch (phase_) {
	case Phase::live:
		return feed;
	case Phase::settling:
		return seen_;
	case Phase::lapsed:
	case Phase::holding:
		break;
	}
	return resume_;
}

void Tail::hold(Ticket ticket, Work work, const wire::PositionPtr &feed, wire::PositionPtr since)
{
	resume_ = reached(feed);
	owed_ = resume_ && phase_ != Phase::live && phase_ != Phase::settling;
	release_held(); // the work reads up to where the feed is now, or further
	phase_ = Phase::holding;
	ticket_ = ticket;
	work_ = work;
	seen_ = nullptr;
	reads_from_ = std::move(since);
	if (work == Work::refetch) {
		start_over();
	} else if (work == Work::resume && resume_ && reads_from_) {
		// Others share the tail, and stood elsewhere: the work reads from the older of the two for all of them. Where
		// neither has seen all that the other has, it reads for the client that resumes; the others' part follows.
		// A position of another history stays, for the reader to turn it down.
		if (reads_from_->same_history(*resume_) && reads_from_->covers(*resume_))
			reads_from_ = resume_;
		owed_ = !resume_->covers(*reads_from_);
	}
}

void Tail::start_over()
{
	work_ = Work::refetch;
	resume_ = nullptr;
	reads_from_ = nullptr;
	owed_ = false;
	first_ = false;
}

std::vector<hub::ChangesPtr> Tail::call_off(const wire::PositionPtr &feed)
{
	if (owed_ || overflowed_) {
		lapse(resume_);
		return {};
	}
	// All that came since was kept back.
	work_ = Work::catch_up;
	return settle(resume_, feed);
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
	first_ = false;
	if (work_ == Work::resume) {
		last_resume_ = ticket_;
		resumed_from_ = reads_from_;
	} else if (work_ != Work::catch_up) {
		last_snapshot_ = ticket_;
	}
	const bool unpaid = work_ == Work::resume && owed_;
	if (unpaid || overflowed_) {
		lapse(unpaid ? resume_ : seen);
		return result;
	}
	seen_ = std::move(seen);
	for (const hub::ChangesPtr &changes : held_) {
		if (hub::ChangesPtr own = unseen(*changes))
			result.push_back(std::move(own));
	}
	release_held();
	resume_ = nullptr;
	owed_ = false;
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

bool Tail::lose(Ticket ticket, const wire::PositionPtr &resume)
{
	if (ticket < last_snapshot_)
		return false;
	if (ticket < last_resume_ && resumed_from_ && resume->covers(*resumed_from_))
		return false;
	if (phase_ != Phase::holding) {
		if (phase_ != Phase::lapsed || resume_->covers(*resume))
			lapse(resume);
		return true;
	}
	// The work under way goes on. A refetch makes up for everything; any other may have to be followed by more, or be
	// called off.
	if (!resume_)
		return false;
	if (work_ == Work::resume && reads_from_ && resume->covers(*reads_from_))
		return false;
	if (resume_->covers(*resume))
		resume_ = resume;
	owed_ = true;
	return false;
}

} // namespace lockstep::net

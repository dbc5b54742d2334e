// Positions inside a batch of the feed.
#pragma once

#include <algorithm>

#include "feed_scan.hpp"

namespace lockstep
{

/// The position after each transaction of a batch: `since`, and those delivered so far. Allocates in the context in which it was made.
class Progress {
public:
	explicit Progress(const Feed &feed) : feed_(feed), xmax_(feed.since.xmax), count_(feed.behind_count)
	{
		capacity_ = count_ + 64;
		gap_ = palloc_array_of<Xid>(capacity_);
		std::copy(feed.behind, feed.behind + count_, gap_);
	}

	void deliver(Xid xid)
	{
		while (passed_ < feed_.ahead_count && feed_.ahead[passed_] <= xid)
			push(feed_.ahead[passed_++]); // ascends: all of gap_ is below
		xmax_ = Max(xmax_, xid + 1);
		Xid *const end = gap_ + count_;
		Xid *const place = std::lower_bound(gap_, end, xid);
		std::copy(place + 1, end, place);
		--count_;
	}

	/// Without identity and lsn.
	PositionView position() const { return {{}, 0, count_ > 0 ? gap_[0] : xmax_, xmax_, {gap_, count_}}; }

	/// How many of feed.ahead lie below the position's xmax.
	size_t passed() const { return passed_; }

private:
	void push(Xid xid)
	{
		if (count_ == capacity_) {
			capacity_ *= 2;
			gap_ = static_cast<Xid *>(repalloc_huge(gap_, capacity_ * sizeof(Xid)));
		}
		gap_[count_++] = xid;
	}

	const Feed &feed_;
	Xid xmax_;
	Xid *
		gap_; // below xmax_ and not seen; few, but where a transaction with a high number is delivered before many lower ones
	size_t count_;
	size_t capacity_;
	size_t passed_ = 0;
};

static_assert(SafeAcrossErrors<Progress>);

} // namespace lockstep

// Positions inside a batch of the feed.
#pragma once

#include <algorithm>

#include "feed_scan.hpp"

namespace lockstep
{

/// The position after each transaction of a batch: `since`, and those delivered so far. Nothing here allocates beyond the constructor's
/// arrays; `gap_` holds the few that are below the highest delivered one but not seen yet.
class Progress {
public:
	explicit Progress(const Feed &feed) : feed_(feed), xmax_(feed.since.xmax)
	{
		const size_t bound = feed.since.running.size() + feed.upto.running.size() + feed.count;
		gap_ = palloc_array_of<Xid>(bound + 1);
		ahead_ = palloc_array_of<Xid>(bound + 1);
		for (Xid xid : feed.since.running)
			if (!core::sees(feed.upto, xid))
				gap_[gap_count_++] = xid;
		for (Xid xid : feed.upto.running)
			if (xid >= feed.since.xmax)
				ahead_[ahead_count_++] = xid;
		for (size_t i = 0; i < feed.count; ++i) {
			const Xid xid = feed.found[i].xid;
			if (i + 1 < feed.count && feed.found[i + 1].xid == xid)
				continue;
			if (xid < feed.since.xmax)
				gap_[gap_count_++] = xid;
			else
				ahead_[ahead_count_++] = xid;
		}
		std::sort(gap_, gap_ + gap_count_);
		std::sort(ahead_, ahead_ + ahead_count_);
	}

	void deliver(Xid xid)
	{
		while (next_ < ahead_count_ && ahead_[next_] <= xid)
			gap_[gap_count_++] = ahead_[next_++]; // ascends: all of gap_ is below
		xmax_ = Max(xmax_, xid + 1);
		Xid *const end = gap_ + gap_count_;
		Xid *const place = std::lower_bound(gap_, end, xid);
		std::copy(place + 1, end, place);
		--gap_count_;
	}

	PositionView position(XLogRecPtr lsn) const
	{
		return {feed_.upto.identity, lsn, gap_count_ > 0 ? gap_[0] : xmax_, xmax_, {gap_, gap_count_}};
	}

private:
	const Feed &feed_;
	Xid xmax_;
	Xid *gap_;
	size_t gap_count_ = 0;
	Xid *ahead_;
	size_t ahead_count_ = 0;
	size_t next_ = 0;
};

static_assert(SafeAcrossErrors<Progress>);

} // namespace lockstep

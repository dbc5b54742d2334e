#include <algorithm>

#include "feed_rest.hpp"

#include "log_catalog.hpp"
#include "position_type.hpp"

namespace lockstep
{

namespace
{

struct Rest {
	StoredPosition *position; // NULL: there is none
	StoredPosition *upto;
	Found *found;
	size_t count;
	XLogRecPtr commit_lsn;
	int32 era;
	uint64 generation; // of the log's catalogue: segments may have come and gone
};

Rest rest;

/// Everything of the rest but the variable itself.
MemoryContext rest_context()
{
	static MemoryContext context = nullptr;
	if (!context)
		context = AllocSetContextCreate(TopMemoryContext, "lockstep feed rest", ALLOCSET_DEFAULT_SIZES);
	return context;
}

bool same(const PositionView &one, const PositionView &other)
{
	return one.identity == other.identity && one.xmax == other.xmax &&
		std::ranges::equal(one.running, other.running);
}

} // namespace

void remember_rest(const Feed &feed, size_t end, const PositionView &position)
{
	const bool is_in_place = feed.found == rest.found;
	if (!is_in_place) {
		rest = Rest{};
		MemoryContextReset(rest_context());
		const Size size = (feed.count - end) * sizeof(Found);
		rest.found = static_cast<Found *>(MemoryContextAllocHuge(rest_context(), size));
	}
	MemoryContext caller = MemoryContextSwitchTo(rest_context());
	StoredPosition *upto = store(feed.upto);
	StoredPosition *continued = store(position);
	MemoryContextSwitchTo(caller);
	std::copy(feed.found + end, feed.found + feed.count, rest.found);
	rest.upto = upto;
	rest.count = feed.count - end;
	rest.commit_lsn = feed.commit_lsn;
	rest.era = feed.era;
	rest.generation = log_catalog_generation();
	rest.position = continued;
}

bool take_rest(Feed &feed, int64 wanted)
{
	const bool is_next = rest.position && same(feed.since, view(rest.position)) && rest.era == feed.era &&
		rest.generation == log_catalog_generation() && static_cast<int64>(rest.count) > 2 * wanted &&
		core::covers(active_position(UINT64_MAX), view(rest.upto));
	if (!is_next) {
		rest = Rest{};
		MemoryContextReset(rest_context());
		return false;
	}
	feed.upto = view(rest.upto);
	feed.found = rest.found;
	feed.count = rest.count;
	feed.commit_lsn = rest.commit_lsn;
	return true;
}

} // namespace lockstep

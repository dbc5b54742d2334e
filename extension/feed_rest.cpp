#include <algorithm>

#include "feed_rest.hpp"

#include "log_catalog.hpp"
#include "position_type.hpp"

namespace lockstep
{

namespace
{

struct Rest {
	MemoryContext memory;     // of everything below
	StoredPosition *position; // NULL: there is none
	StoredPosition *upto;
	Found *found; // the first that is left
	size_t count;
	const Xid *ahead;
	size_t ahead_count;
	XLogRecPtr commit_lsn;
	int32 first_era;
	uint64 generation; // of the log's catalogue: segments may have come and gone
};

Rest rest;

/// Both belong to this database and its present life.
bool same(const PositionView &one, const PositionView &other)
{
	return one.xmax == other.xmax && std::ranges::equal(one.running, other.running);
}

} // namespace

void forget_rest()
{
	MemoryContext memory = rest.memory;
	rest = Rest{};
	if (memory)
		MemoryContextDelete(memory);
}

void remember_rest(const Feed &feed, size_t end, const PositionView &position, size_t passed)
{
	const bool is_in_place = rest.position && feed.found == rest.found;
	if (!is_in_place) {
		forget_rest();
		MemoryContextSetParent(feed.memory, TopMemoryContext);
		rest.memory = feed.memory;
	}
	MemoryContext caller = MemoryContextSwitchTo(rest.memory);
	if (is_in_place) {
		StoredPosition *before = rest.position;
		rest.position = store(position);
		pfree(before);
	} else {
		rest.upto = store(feed.upto);
		rest.commit_lsn = feed.commit_lsn;
		rest.first_era = feed.first_era;
		rest.generation = log_catalog_generation();
		rest.position = store(position); // last: it says that the rest is whole
	}
	MemoryContextSwitchTo(caller);
	rest.found = feed.found + end;
	rest.count = feed.count - end;
	rest.ahead = feed.ahead + passed;
	rest.ahead_count = feed.ahead_count - passed;
}

bool take_rest(Feed &feed, int64 wanted)
{
	const bool is_next = rest.position && same(feed.since, view(rest.position)) &&
		rest.first_era == feed.first_era && rest.generation == log_catalog_generation() &&
		static_cast<int64>(rest.count) > 2 * wanted &&
		core::covers(active_position(UINT64_MAX), view(rest.upto));
	if (!is_next) {
		forget_rest();
		return false;
	}
	feed.upto = view(rest.upto);
	feed.found = rest.found;
	feed.count = rest.count;
	feed.commit_lsn = rest.commit_lsn;
	// All that ran at the position is still to come: that is how it was made.
	feed.behind = feed.since.running.data();
	feed.behind_count = feed.since.running.size();
	feed.ahead = rest.ahead;
	feed.ahead_count = rest.ahead_count;
	return true;
}

} // namespace lockstep

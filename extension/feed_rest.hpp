// What a page of the feed left over, kept for the next page: else each page of a long backlog would look through all of it again.
#pragma once

#include "feed_scan.hpp"

namespace lockstep
{

/// Keeps what comes after found[end - 1], which a reader at `position` has yet to be given; of feed.ahead, `passed` lie below that position's
/// xmax. One rest per backend. Takes time for what is left only when it is called for the first page.
void remember_rest(const Feed &feed, size_t end, const PositionView &position, size_t passed);

/// If the feed goes on where the last page of this backend ended, and more than `wanted` changes are left of that: makes the feed that rest, and returns
/// true. (A shorter rest is not worth it, and a short page would look as if there were nothing more.)
bool take_rest(Feed &feed, int64 wanted);

/// Before an error that says that the rest is of no use: whoever tries again shall look anew.
void forget_rest();

} // namespace lockstep

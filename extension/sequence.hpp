// Numbers from lockstep's own sequences.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// INCREMENT of lockstep.change_seq: a draw reserves that many numbers.
constexpr int change_numbers_per_draw = 1024;

/// Reserves `count` numbers and returns the first. `count` must be the sequence's INCREMENT, every time. Differs from nextval() in leaving no
/// trace in the session: the application's lastval() stays what it was, and a transaction that turned read-only can still commit.
int64 draw_numbers(Oid sequence, int64 count);

/// `count` successive numbers, at most change_numbers_per_draw, from lockstep.change_seq; the first is returned. They are larger than all
/// that anybody has drawn by any means, in any backend. Where the library is preloaded, they mostly come from shared memory.
int64 draw_change_numbers(Oid sequence, int count);

/// Called while the server starts.
void reserve_number_pools();

} // namespace lockstep

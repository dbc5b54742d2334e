// Numbers from lockstep's own sequences.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// Reserves `count` numbers and returns the first. `count` must be the sequence's INCREMENT, every time. Differs from nextval() in leaving no
/// trace in the session: the application's lastval() stays what it was, and a transaction that turned read-only can still commit.
int64 draw_numbers(Oid sequence, int64 count);

} // namespace lockstep

// How far a position may reach.
#pragma once

#include "core/position.hpp"

#include "pg/server.hpp"

namespace lockstep
{

/// One past the largest transaction that both has changes in the log and is seen by the active snapshot. Nothing from there on was
/// ever delivered, so a position need not, and after a crash (which gives unused numbers out again) must not, claim to have seen it.
core::Xid logged_bound();

} // namespace lockstep

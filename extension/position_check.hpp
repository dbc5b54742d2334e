// Does a position that a caller brings belong to this database, in its present life?
#pragma once

#include "core/position.hpp"

#include "pg/server.hpp"
#include "position_type.hpp"

namespace lockstep
{

enum class PositionRole { since, upto };

/// Raises LS004 where the log cannot say exactly what came after the position (`since`) or up to it (`upto`), and another error where
/// a standby has yet to replay what the position covers, or the active snapshot does not see all that `upto` sees. `here` is place_now().
void require_covered(const core::PositionView &position, const Place &here, PositionRole role);

} // namespace lockstep

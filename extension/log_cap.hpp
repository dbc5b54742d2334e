// The size that the log may have, where writes are refused beyond it.
#pragma once

#include "settings.hpp"

namespace lockstep
{

/// Looks at the log's size, at most once a second, and raises an error where it is full.
void refuse_if_log_is_full();

/// Call before a change is taken on.
inline void require_room_in_log()
{
	if (settings.max_log_size >= 0 && settings.log_full == log_full_refuse)
		refuse_if_log_is_full();
}

} // namespace lockstep

// Sorting what is mostly in order already.
#pragma once

#include <algorithm>
#include <cstddef>

namespace lockstep::core
{

/// As std::sort(). Where each element is only a few places off, it takes little more than a look at each.
template <class T, class Less> void sort_nearly_sorted(T *begin, T *end, Less less)
{
	std::size_t moves_left = 8 * static_cast<std::size_t>(end - begin);
	for (T *next = begin; next != end; ++next) {
		T *place = next;
		while (place != begin && less(*next, place[-1]))
			--place;
		if (place == next)
			continue;
		const auto distance = static_cast<std::size_t>(next - place);
		if (distance > moves_left) {
			std::sort(begin, end, less);
			return;
		}
		moves_left -= distance;
		std::rotate(place, next, next + 1);
	}
}

} // namespace lockstep::core

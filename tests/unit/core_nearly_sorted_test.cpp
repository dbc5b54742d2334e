// Sorting what is nearly sorted, beside std::sort().
#include "core/nearly_sorted.hpp"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <vector>

namespace
{

using lockstep::core::sort_nearly_sorted;

std::vector<int> sorted(std::vector<int> numbers)
{
	sort_nearly_sorted(numbers.data(), numbers.data() + numbers.size(), std::less<>());
	return numbers;
}

TEST(NearlySorted, any_order_is_sorted)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE(seed);
	std::mt19937 random(seed);
	for (int round = 0; round < 2000; ++round) {
		std::vector<int> numbers(random() % 200);
		std::iota(numbers.begin(), numbers.end(), -5);
		std::vector<int> expected = numbers;
		// From a few neighbours that changed places to no order at all.
		const std::size_t reach = 1 + random() % (numbers.size() + 1);
		for (std::size_t i = 0; i < numbers.size(); ++i)
			std::swap(numbers[i], numbers[std::min(i + random() % reach, numbers.size() - 1)]);
		EXPECT_EQ(sorted(numbers), expected);
		std::reverse(numbers.begin(), numbers.end());
		EXPECT_EQ(sorted(numbers), expected);
	}
}

TEST(NearlySorted, neighbours_that_changed_places_take_a_look_at_each)
{
	std::vector<int> numbers(100'000);
	std::iota(numbers.begin(), numbers.end(), 0);
	for (std::size_t i = 0; i + 3 < numbers.size(); i += 4)
		std::swap(numbers[i], numbers[i + 3]);
	std::size_t looks = 0;
	sort_nearly_sorted(numbers.data(), numbers.data() + numbers.size(), [&](int a, int b) {
		++looks;
		return a < b;
	});
	EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
	EXPECT_LT(looks, 4 * numbers.size());
}

TEST(NearlySorted, no_order_at_all_takes_no_longer_than_sorting)
{
	std::vector<int> numbers(100'000);
	std::iota(numbers.rbegin(), numbers.rend(), 0);
	std::size_t looks = 0;
	sort_nearly_sorted(numbers.data(), numbers.data() + numbers.size(), [&](int a, int b) {
		++looks;
		return a < b;
	});
	EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
	EXPECT_LT(looks, 60 * numbers.size());
}

} // namespace

// The version rule, cell by cell: docs/sql.md, "Row versions".
#include "core/version_rule.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <string>

namespace
{

using lockstep::core::judge;
using lockstep::core::Verdict;
using lockstep::core::VersionClaim;

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();

VersionClaim claims(std::int64_t value)
{
	return {.mentioned = true, .is_null = false, .value = value};
}

constexpr VersionClaim says_nothing{};
constexpr VersionClaim says_null{.mentioned = true, .is_null = true, .value = 0};

TEST(CoreVersionRule, an_update_that_does_not_mention_the_version_advances_it)
{
	EXPECT_EQ(judge(7, says_nothing, true), Verdict::advance);
}

TEST(CoreVersionRule, the_next_version_is_accepted)
{
	EXPECT_EQ(judge(7, claims(8), true), Verdict::accept);
}

TEST(CoreVersionRule, the_present_version_is_checked_and_advances)
{
	EXPECT_EQ(judge(7, claims(7), true), Verdict::advance);
}

TEST(CoreVersionRule, a_lower_version_is_stale)
{
	EXPECT_EQ(judge(7, claims(6), true), Verdict::stale);
	EXPECT_EQ(judge(7, claims(0), true), Verdict::stale);
	EXPECT_EQ(judge(7, claims(least), true), Verdict::stale);
}

TEST(CoreVersionRule, a_version_beyond_the_next_never_was)
{
	EXPECT_EQ(judge(7, claims(9), true), Verdict::impossible);
	EXPECT_EQ(judge(7, claims(greatest), true), Verdict::impossible);
}

TEST(CoreVersionRule, null_says_as_much_as_nothing)
{
	EXPECT_EQ(judge(7, says_null, true), Verdict::advance);
	EXPECT_EQ(judge(7, says_null, false), Verdict::keep);
	// Whatever number lies beside it, or beside a column that is not mentioned.
	for (std::int64_t value : {least, std::int64_t{6}, std::int64_t{8}, greatest}) {
		EXPECT_EQ(judge(7, {.mentioned = true, .is_null = true, .value = value}, true), Verdict::advance);
		EXPECT_EQ(judge(7, {.mentioned = false, .is_null = false, .value = value}, true), Verdict::advance);
		EXPECT_EQ(judge(7, {.mentioned = false, .is_null = true, .value = value}, false), Verdict::keep);
	}
}

TEST(CoreVersionRule, an_update_without_effect_keeps_the_version_unless_it_names_the_next)
{
	EXPECT_EQ(judge(7, says_nothing, false), Verdict::keep);
	EXPECT_EQ(judge(7, claims(7), false), Verdict::keep);
	EXPECT_EQ(judge(7, claims(8), false), Verdict::accept);
	EXPECT_EQ(judge(7, claims(6), false), Verdict::stale);
	EXPECT_EQ(judge(7, claims(9), false), Verdict::impossible);
}

TEST(CoreVersionRule, the_ends_of_the_range_do_not_wrap)
{
	// There is no version after the greatest: nothing is taken for it.
	EXPECT_EQ(judge(greatest, claims(least), true), Verdict::stale);
	EXPECT_EQ(judge(greatest, claims(greatest), false), Verdict::keep);
	EXPECT_EQ(judge(greatest - 1, claims(greatest), true), Verdict::accept);
	EXPECT_EQ(judge(greatest - 2, claims(greatest), true), Verdict::impossible);
	EXPECT_EQ(judge(least, claims(least), false), Verdict::keep);
	EXPECT_EQ(judge(least, claims(least + 1), true), Verdict::accept);
	EXPECT_EQ(judge(least, claims(greatest), true), Verdict::impossible);
	EXPECT_EQ(judge(-1, claims(0), true), Verdict::accept);
	EXPECT_EQ(judge(0, claims(-1), true), Verdict::stale);
}

// The table in other words, with numbers wide enough not to wrap.
Verdict by_the_table(std::int64_t current, VersionClaim claim, bool effective)
{
	if (claim.mentioned && !claim.is_null) {
		const __int128 distance = static_cast<__int128>(claim.value) - current;
		if (distance == 1)
			return Verdict::accept;
		if (distance != 0)
			return distance < 0 ? Verdict::stale : Verdict::impossible;
	}
	return effective ? Verdict::advance : Verdict::keep;
}

void compare(std::int64_t current, std::int64_t value)
{
	for (int bits = 0; bits < 8; ++bits) {
		const VersionClaim claim{.mentioned = (bits & 1) != 0, .is_null = (bits & 2) != 0, .value = value};
		const bool effective = (bits & 4) != 0;
		ASSERT_EQ(judge(current, claim, effective), by_the_table(current, claim, effective))
			<< "current " << current << ", value " << value << ", bits " << bits;
	}
}

TEST(CoreVersionRule, every_cell_of_a_small_table_agrees)
{
	for (std::int64_t current = -6; current <= 6; ++current)
		for (std::int64_t value = -9; value <= 9; ++value)
			compare(current, value);
	// The same around the ends.
	for (std::int64_t base : {least + 8, greatest - 8})
		for (std::int64_t current = base - 8; current < base + 8; ++current)
			for (std::int64_t value = base - 8; value < base + 8; ++value)
				compare(current, value);
}

TEST(CoreVersionRule, any_numbers_agree_with_the_table)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937_64 random(seed);
	for (int i = 0; i < 100000; ++i)
		compare(static_cast<std::int64_t>(random()), static_cast<std::int64_t>(random()));
}

} // namespace

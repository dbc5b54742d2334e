// Dates and times as text, beside what the standard library makes of them.
#include "core/utc_text.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <gtest/gtest.h>
#include <string>

namespace
{

using lockstep::core::utc_text_size;

constexpr std::int64_t per_day = 86400 * INT64_C(1000000);
constexpr std::int64_t first_day = -730119, last_day = 2921939; // 0001-01-01, 9999-12-31

std::string date(std::int64_t day)
{
	char text[utc_text_size];
	return {text, static_cast<std::size_t>(lockstep::core::write_date(day, text))};
}

std::string timestamp(std::int64_t time, bool with_zone = true)
{
	char text[utc_text_size];
	return {text, static_cast<std::size_t>(lockstep::core::write_timestamp(time, with_zone, text))};
}

TEST(CoreUtcText, every_day_of_the_years_1_to_9999)
{
	using namespace std::chrono;
	for (std::int64_t day = first_day; day <= last_day; ++day) {
		const year_month_day expected{sys_days{days{day + 10957}}};
		char text[32];
		std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(expected.year()),
			static_cast<unsigned>(expected.month()), static_cast<unsigned>(expected.day()));
		ASSERT_EQ(date(day), text);
	}
}

TEST(CoreUtcText, other_years_are_left_to_the_server)
{
	EXPECT_EQ(date(first_day), "0001-01-01");
	EXPECT_EQ(date(first_day - 1), "");
	EXPECT_EQ(date(last_day), "9999-12-31");
	EXPECT_EQ(date(last_day + 1), "");
	EXPECT_EQ(date(INT32_MIN), "");
	EXPECT_EQ(date(INT32_MAX), "");
	EXPECT_EQ(timestamp(first_day * per_day), "0001-01-01T00:00:00+00:00");
	EXPECT_EQ(timestamp(first_day * per_day - 1), "");
	EXPECT_EQ(timestamp((last_day + 1) * per_day - 1), "9999-12-31T23:59:59.999999+00:00");
	EXPECT_EQ(timestamp((last_day + 1) * per_day), "");
	EXPECT_EQ(timestamp(INT64_MIN), "");
	EXPECT_EQ(timestamp(INT64_MAX), "");
}

TEST(CoreUtcText, a_fraction_has_no_zeros_at_its_end)
{
	EXPECT_EQ(timestamp(0), "2000-01-01T00:00:00+00:00");
	EXPECT_EQ(timestamp(1), "2000-01-01T00:00:00.000001+00:00");
	EXPECT_EQ(timestamp(120000), "2000-01-01T00:00:00.12+00:00");
	EXPECT_EQ(timestamp(900000), "2000-01-01T00:00:00.9+00:00");
	EXPECT_EQ(timestamp(-1), "1999-12-31T23:59:59.999999+00:00");
	EXPECT_EQ(timestamp(-per_day, false), "1999-12-31T00:00:00");
	EXPECT_EQ(timestamp(3661 * INT64_C(1000000), false), "2000-01-01T01:01:01");
}

} // namespace

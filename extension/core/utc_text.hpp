// Dates and times of day in UTC as ISO 8601 text, for the years that everyone uses.
#pragma once

#include <cstdint>

namespace lockstep::core
{

/// Enough for what write_timestamp() writes.
constexpr int utc_text_size = 40;

namespace detail
{

/// Days from 2000-01-01 to the first day of year 1, and to the one after year 9999.
constexpr int64_t first_day = -730119, end_day = 2921940;
/// Microseconds.
constexpr int64_t second = 1000000, per_day = 86400 * second;

inline char *write_digits(char *at, unsigned value, int count)
{
	for (int i = count; i-- > 0; value /= 10)
		at[i] = static_cast<char>('0' + value % 10);
	return at + count;
}

inline char *write_day(char *at, int64_t day)
{
	// Years that begin in March have their leap day at the end: then a month's first day is a linear function of its number.
	const auto since = static_cast<unsigned>(day + 730425); // 0000-03-01
	const unsigned cycle = since / 146097, of_cycle = since % 146097;
	const unsigned of_400 = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
	const unsigned of_year = of_cycle - (365 * of_400 + of_400 / 4 - of_400 / 100);
	const unsigned march_month = (5 * of_year + 2) / 153;
	const unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
	at = write_digits(at, cycle * 400 + of_400 + (month <= 2 ? 1 : 0), 4);
	*at++ = '-';
	at = write_digits(at, month, 2);
	*at++ = '-';
	return write_digits(at, of_year - (153 * march_month + 2) / 5 + 1, 2);
}

} // namespace detail

/// Can write_date() write it?
constexpr bool is_writable_day(int64_t day)
{
	return day >= detail::first_day && day < detail::end_day;
}

/// Can write_timestamp() write it?
constexpr bool is_writable_time(int64_t time)
{
	return time >= detail::first_day * detail::per_day && time < detail::end_day * detail::per_day;
}

/// Writes a date, given in days since 2000-01-01. Returns the length; 0 where the year is not in 1..9999 or the date is infinite.
inline int write_date(int64_t day, char *text)
{
	if (!is_writable_day(day))
		return 0;
	return static_cast<int>(detail::write_day(text, day) - text);
}

/// Writes a time, given in microseconds since 2000-01-01, the fraction of a second without zeros at its end. Returns as write_date().
inline int write_timestamp(int64_t time, bool with_zone, char *text)
{
	using detail::per_day, detail::second;
	if (!is_writable_time(time))
		return 0;
	int64_t day = time / per_day, rest = time % per_day;
	if (rest < 0) {
		--day;
		rest += per_day;
	}
	char *at = detail::write_day(text, day);
	const auto seconds = static_cast<unsigned>(rest / second);
	auto fraction = static_cast<unsigned>(rest % second);
	*at++ = 'T';
	at = detail::write_digits(at, seconds / 3600, 2);
	*at++ = ':';
	at = detail::write_digits(at, seconds / 60 % 60, 2);
	*at++ = ':';
	at = detail::write_digits(at, seconds % 60, 2);
	if (fraction != 0) {
		int digits = 6;
		for (; fraction % 10 == 0; fraction /= 10)
			--digits;
		*at++ = '.';
		at = detail::write_digits(at, fraction, digits);
	}
	if (with_zone)
		for (const char *zone = "+00:00"; *zone; ++zone)
			*at++ = *zone;
	return static_cast<int>(at - text);
}

} // namespace lockstep::core

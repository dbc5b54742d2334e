#include "hub/moment.hpp"

#include <charconv>

namespace lockstep::hub
{
namespace
{

constexpr std::int64_t limit_days = 106751983; // in microseconds these fit into 64 bits, with days to spare

class Reader {
public:
	explicit Reader(std::string_view text) : rest_(text) {}

	bool take(char c)
	{
		if (rest_.empty() || rest_.front() != c)
			return false;
		rest_.remove_prefix(1);
		return true;
	}
	bool number(std::int64_t &value, std::size_t min_digits, std::size_t max_digits)
	{
		std::size_t digits = 0;
		value = 0;
		while (digits < rest_.size() && digits < max_digits && rest_[digits] >= '0' && rest_[digits] <= '9')
			value = value * 10 + (rest_[digits++] - '0');
		rest_.remove_prefix(digits);
		return digits >= min_digits;
	}
	/// The digits after a decimal point, as microseconds.
	bool fraction(std::int64_t &micros)
	{
		std::int64_t scale = 100000;
		std::size_t digits = 0;
		micros = 0;
		while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
			micros += (rest_[digits++] - '0') * scale;
			scale /= 10;
		}
		rest_.remove_prefix(digits);
		return digits >= 1 && digits <= 6;
	}
	bool word(std::string_view expected)
	{
		if (!rest_.starts_with(expected))
			return false;
		rest_.remove_prefix(expected.size());
		return true;
	}
	char front() const { return rest_.empty() ? '\0' : rest_.front(); }
	bool at_end() const { return rest_.empty(); }

private:
	std::string_view rest_;
};

/// Days since 2000-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC (Howard Hinnant's algorithm).
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day)
{
	year -= month <= 2 ? 1 : 0;
	const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
	const std::int64_t year_of_era = year - era * 400;
	const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 730425;
}

/// "+02", "+05:30", "-00:44:30" in seconds.
bool parse_zone(Reader &reader, std::int64_t &seconds)
{
	const bool west = reader.front() == '-';
	if (!reader.take('+') && !reader.take('-'))
		return false;
	std::int64_t hours = 0;
	std::int64_t minutes = 0;
	std::int64_t rest = 0;
	if (!reader.number(hours, 2, 2))
		return false;
	if (reader.take(':') && !reader.number(minutes, 2, 2))
		return false;
	if (reader.take(':') && !reader.number(rest, 2, 2))
		return false;
	seconds = (hours * 60 + minutes) * 60 + rest;
	if (west)
		seconds = -seconds;
	return true;
}

} // namespace

std::optional<std::int64_t> parse_moment(std::string_view text, MomentUnit unit)
{
	if (text == "infinity")
		return moment_infinity;
	if (text == "-infinity")
		return moment_minus_infinity;

	Reader reader(text);
	std::int64_t year = 0;
	std::int64_t month = 0;
	std::int64_t day = 0;
	if (!reader.number(year, 4, 7) || !reader.take('-') || !reader.number(month, 2, 2) || !reader.take('-') ||
		!reader.number(day, 2, 2) || month < 1 || month > 12 || day < 1 || day > 31)
		return std::nullopt;

	std::int64_t hour = 0;
	std::int64_t minute = 0;
	std::int64_t second = 0;
	std::int64_t micros = 0;
	std::int64_t zone = 0;
	bool timed = false;
	if (reader.take('T') || reader.front() == ' ') {
		// " BC" may follow a date at once; a time may be set off by a blank
		if (reader.front() != ' ' || !text.ends_with(" BC") || text.find(':') != std::string_view::npos) {
			timed = true;
			reader.take(' ');
			if (!reader.number(hour, 2, 2) || !reader.take(':') || !reader.number(minute, 2, 2) ||
				!reader.take(':') || !reader.number(second, 2, 2))
				return std::nullopt;
			if (reader.take('.') && !reader.fraction(micros))
				return std::nullopt;
			if ((reader.front() == '+' || reader.front() == '-') && !parse_zone(reader, zone))
				return std::nullopt;
			reader.take('Z');
		}
	}
	if (reader.word(" BC"))
		year = 1 - year;
	if (!reader.at_end())
		return std::nullopt;
	// A date may lie twenty times as far off as microseconds can tell: with nothing but a date, days are counted.
	const std::int64_t days = days_from_civil(year, month, day);
	if (unit == MomentUnit::days)
		return timed ? std::nullopt : std::optional(days);
	const std::int64_t seconds = ((hour * 60) + minute) * 60 + second - zone;
	if (days < -limit_days || days > limit_days)
		return std::nullopt;
	return (days * 86400 + seconds) * 1000000 + micros;
}

} // namespace lockstep::hub

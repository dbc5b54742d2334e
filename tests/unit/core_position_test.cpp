// Positions against a model: a set of transactions, written out.
#include "core/position.hpp"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace
{

using lockstep::core::covers;
using lockstep::core::Identity;
using lockstep::core::PositionView;
using lockstep::core::sees;
using lockstep::core::valid;
using lockstep::core::Xid;

// A position that owns its list.
struct Position {
	Identity identity{1, 2, 3};
	std::uint64_t lsn = 4;
	Xid xmax = 1;
	std::vector<Xid> running;

	PositionView view() const
	{
		return {identity, lsn, running.empty() ? xmax : running.front(), xmax, running};
	}
};

std::string format(const PositionView &position)
{
	// One guard byte beyond what is promised to suffice.
	const std::size_t size = lockstep::core::formatted_size(position.running.size());
	std::string text(size + 1, '\x7f');
	char *end = lockstep::core::format_position(position, text.data());
	EXPECT_LE(static_cast<std::size_t>(end - text.data()), size);
	EXPECT_EQ(text[size], '\x7f') << "wrote beyond formatted_size()";
	text.resize(static_cast<std::size_t>(end - text.data()));
	return text;
}

// The text's own buffer ends with the text, so that a sanitizer sees what reads on.
bool parse(const std::string &text, Position *position = nullptr)
{
	const std::vector<char> exact(text.begin(), text.end());
	std::vector<Xid> running(lockstep::core::parsed_running_bound(text.size()));
	PositionView view;
	if (!lockstep::core::parse_position({exact.data(), exact.size()}, running, view))
		return false;
	EXPECT_TRUE(valid(view)) << text;
	if (position)
		*position = {view.identity, view.lsn, view.xmax, {view.running.begin(), view.running.end()}};
	return true;
}

void expect_same(const PositionView &a, const PositionView &b)
{
	EXPECT_EQ(a.identity, b.identity);
	EXPECT_EQ(a.lsn, b.lsn);
	EXPECT_EQ(a.xmin, b.xmin);
	EXPECT_EQ(a.xmax, b.xmax);
	EXPECT_EQ(std::vector<Xid>(a.running.begin(), a.running.end()),
		std::vector<Xid>(b.running.begin(), b.running.end()));
}

// A number of any length in bits: the short ones are as likely as the long.
std::uint64_t any_number(std::mt19937_64 &random)
{
	return random() >> (random() % 64);
}

Position any_position(std::mt19937_64 &random, Xid first, Xid last, unsigned chance_of_running)
{
	Position position;
	position.xmax = first + random() % (last - first + 1);
	for (Xid xid = first; xid < position.xmax; ++xid)
		if (random() % 100 < chance_of_running)
			position.running.push_back(xid);
	return position;
}

TEST(CorePosition, is_written_as_documented)
{
	const Position position{{0xabc, 16384, 1}, 0x1f0, 12, {5, 7}};
	EXPECT_EQ(format(position.view()), "p1-abc-16384-1-1f0-5-12-5,7");
	const Position nothing_running{{0xabc, 16384, 1}, 0x1f0, 12, {}};
	EXPECT_EQ(format(nothing_running.view()), "p1-abc-16384-1-1f0-12-12-");
}

TEST(CorePosition, the_longest_text_fits_into_formatted_size)
{
	constexpr auto huge = std::numeric_limits<std::uint64_t>::max();
	constexpr auto large = std::numeric_limits<std::uint32_t>::max();
	for (std::size_t count : {0U, 1U, 2U, 100U}) {
		Position position{{huge, large, large}, huge, huge, {}};
		for (std::size_t i = count; i > 0; --i)
			position.running.push_back(huge - i);
		const std::string text = format(position.view());
		Position read;
		ASSERT_TRUE(parse(text, &read));
		expect_same(read.view(), position.view());
	}
}

TEST(CorePosition, what_was_written_is_read_again)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937_64 random(seed);
	for (int i = 0; i < 20000; ++i) {
		Position position;
		const Xid first = 1 + (any_number(random) >> 1);
		position = any_position(random, first, first + 30, random() % 101);
		position.identity = {any_number(random), static_cast<std::uint32_t>(any_number(random)),
			static_cast<std::uint32_t>(any_number(random))};
		position.lsn = any_number(random);
		ASSERT_TRUE(valid(position.view()));
		const std::string text = format(position.view());
		Position read;
		ASSERT_TRUE(parse(text, &read)) << text;
		expect_same(read.view(), position.view());
		ASSERT_EQ(format(read.view()), text);
		if (HasFailure())
			FAIL() << text;
	}
}

TEST(CorePosition, a_text_that_is_damaged_is_refused_or_is_another_position)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937_64 random(seed);
	const std::string alphabet = "p1-0123456789abcdefABCDEF,+ .\n\tx\xff";
	for (int i = 0; i < 50000; ++i) {
		std::string text = format(any_position(random, 1000, 1020, 30).view());
		for (auto strokes = 1 + random() % 3; strokes > 0; --strokes) {
			const std::size_t at = random() % text.size();
			const char letter = alphabet[random() % alphabet.size()];
			switch (random() % 4) {
			case 0:
				text[at] = letter;
				break;
			case 1:
				text.insert(at, 1, letter);
				break;
			case 2:
				text.erase(at, 1);
				break;
			default:
				text.resize(at);
				break;
			}
			if (text.empty())
				text = "p";
		}
		// parse() checks that what it takes is well formed; and what is taken means what it says.
		Position read;
		if (parse(text, &read)) {
			Position again;
			ASSERT_TRUE(parse(format(read.view()), &again)) << text;
			expect_same(read.view(), again.view());
		}
		if (HasFailure())
			FAIL() << text;
	}
}

TEST(CorePosition, every_beginning_of_a_text_is_refused_unless_it_is_whole)
{
	const std::string text = "p1-abc-16384-1-1f0-5-12-5,7";
	for (std::size_t length = 0; length < text.size(); ++length) {
		// "…-5" is a whole position: one transaction was running.
		EXPECT_EQ(parse(text.substr(0, length)), length == text.size() - 2) << text.substr(0, length);
	}
	EXPECT_TRUE(parse(text));
}

TEST(CorePosition, what_is_no_position_is_refused)
{
	for (const char *text : {"", " ", "p1", "p1-", "p2-1-2-3-4-5-5-", "P1-1-2-3-4-5-5-", " p1-1-2-3-4-5-5-",
			 "p1-1-2-3-4-5-5- ", "p1-1-2-3-4-5-5", "p1-1-2-3-4-5-", "p1-1-2-3-4-5-5-5-", "p1-g-2-3-4-5-5-",
			 "p1-1-x-3-4-5-5-", "p1--2-3-4-5-5-", "p1-1--3-4-5-5-", "p1-1-2--4-5-5-", "p1-1-2-3--5-5-",
			 "p1-1-2-3-4--5-", "p1-1-2-3-4-5--", "p1-+1-2-3-4-5-5-", "p1-0x1-2-3-4-5-5-", "p1-1-2-3-4-5-5-,",
			 // Too large for their kind.
			 "p1-10000000000000000-2-3-4-5-5-", "p1-1-4294967296-3-4-5-5-", "p1-1-2-4294967296-4-5-5-",
			 "p1-1-2-3-10000000000000000-5-5-", "p1-1-2-3-4-18446744073709551616-18446744073709551616-",
			 // Not well formed: xmin is not the first, the list does not ascend, or leaves its bounds.
			 "p1-1-2-3-4-6-5-", "p1-1-2-3-4-5-6-", "p1-1-2-3-4-0-0-", "p1-1-2-3-4-5-9-6",
			 "p1-1-2-3-4-5-9-4,5", "p1-1-2-3-4-5-9-7,5", "p1-1-2-3-4-5-9-5,5", "p1-1-2-3-4-5-9-5,9",
			 "p1-1-2-3-4-5-9-5,10", "p1-1-2-3-4-0-9-0",
			 // The list's own grammar.
			 "p1-1-2-3-4-5-9-5,", "p1-1-2-3-4-5-9-,5", "p1-1-2-3-4-5-9-5,,7", "p1-1-2-3-4-5-9-5;7",
			 "p1-1-2-3-4-5-9-5-7", "p1-1-2-3-4-5-9-5,x", "p1-1-2-3-4-5-9-5, 7", "p1-1-2-3-4-5-9-5,-7"})
		EXPECT_FALSE(parse(text)) << '"' << text << '"';
	EXPECT_FALSE(parse(std::string("p1-1-2-3-4-5-5-\0", 16)));
	EXPECT_FALSE(parse(std::string("p1-1-2-3-4-5-9-5\0", 17)));
}

TEST(CorePosition, a_list_longer_than_its_room_is_refused)
{
	const std::string text = "p1-1-2-3-4-5-9-5,7";
	std::vector<Xid> room(1);
	PositionView view;
	EXPECT_FALSE(lockstep::core::parse_position(text, room, view));
	room.resize(2);
	EXPECT_TRUE(lockstep::core::parse_position(text, room, view));
}

TEST(CorePosition, sees_all_below_xmax_that_was_not_running)
{
	const Position position{{1, 2, 3}, 4, 9, {5, 7}};
	const bool expected[] = {true, true, true, true, true, false, true, false, true, false, false};
	for (Xid xid = 0; xid < std::size(expected); ++xid)
		EXPECT_EQ(sees(position.view(), xid), expected[xid]) << xid;
	EXPECT_FALSE(sees(position.view(), std::numeric_limits<Xid>::max()));
}

// Every position over the transactions 1 to 5: which end, and which of those before it are running.
std::vector<Position> all_small_positions()
{
	std::vector<Position> all;
	for (Xid xmax = 1; xmax <= 6; ++xmax)
		for (unsigned set = 0; set < (1U << (xmax - 1)); ++set) {
			Position position;
			position.xmax = xmax;
			for (Xid xid = 1; xid < xmax; ++xid)
				if (set & (1U << (xid - 1)))
					position.running.push_back(xid);
			all.push_back(position);
		}
	return all;
}

// What a position knows, written out.
std::vector<bool> known(const Position &position, Xid first, Xid last)
{
	std::vector<bool> set;
	for (Xid xid = first; xid <= last; ++xid) {
		bool seen = xid < position.xmax;
		for (Xid running : position.running)
			seen = seen && running != xid;
		set.push_back(seen);
	}
	return set;
}

bool contains(const std::vector<bool> &larger, const std::vector<bool> &smaller)
{
	for (std::size_t i = 0; i < smaller.size(); ++i)
		if (smaller[i] && !larger[i])
			return false;
	return true;
}

TEST(CorePosition, of_all_small_positions_those_cover_which_know_more)
{
	const std::vector<Position> all = all_small_positions();
	ASSERT_EQ(all.size(), 63U);
	for (const Position &later : all)
		for (const Position &earlier : all)
			ASSERT_EQ(
				covers(later.view(), earlier.view()), contains(known(later, 0, 8), known(earlier, 0, 8)))
				<< format(later.view()) << " and " << format(earlier.view());
}

TEST(CorePosition, sees_and_covers_agree_with_sets)
{
	const auto seed = std::random_device{}();
	SCOPED_TRACE("seed " + std::to_string(seed));
	std::mt19937_64 random(seed);
	for (int i = 0; i < 20000; ++i) {
		const Xid first = 1 + (any_number(random) >> 1);
		const Xid last = first + random() % 40;
		const unsigned chance = random() % 101;
		const Position a = any_position(random, first, last, chance);
		Position b = any_position(random, first, last, chance);
		// Otherwise one seldom covers the other.
		if (random() % 2 == 0)
			for (Xid xid : a.running)
				if (xid < b.xmax && sees(b.view(), xid)) {
					b.running.push_back(xid);
					std::sort(b.running.begin(), b.running.end());
				}
		const auto set_a = known(a, first - 1, last + 2);
		const auto set_b = known(b, first - 1, last + 2);
		for (Xid xid = first - 1; xid <= last + 2; ++xid)
			ASSERT_EQ(sees(a.view(), xid), set_a[xid - (first - 1)]) << format(a.view()) << " and " << xid;
		ASSERT_EQ(covers(a.view(), b.view()), contains(set_a, set_b))
			<< format(a.view()) << " and " << format(b.view());
		ASSERT_EQ(covers(b.view(), a.view()), contains(set_b, set_a))
			<< format(b.view()) << " and " << format(a.view());
	}
}

TEST(CorePosition, the_invariant_is_what_it_says)
{
	auto view = [](Xid xmin, Xid xmax, const std::vector<Xid> &running) {
		return PositionView{{1, 2, 3}, 4, xmin, xmax, running};
	};
	const std::vector<Xid> none;
	const std::vector<Xid> two{5, 7};
	const std::vector<Xid> falling{7, 5};
	const std::vector<Xid> twice{5, 5};
	EXPECT_TRUE(valid(view(9, 9, none)));
	EXPECT_TRUE(valid(view(5, 8, two)));
	EXPECT_FALSE(valid(view(8, 9, none)));
	EXPECT_FALSE(valid(view(9, 8, none)));
	EXPECT_FALSE(valid(view(0, 0, none)));
	EXPECT_FALSE(valid(view(4, 8, two)));
	EXPECT_FALSE(valid(view(5, 7, two)));
	EXPECT_FALSE(valid(view(5, 9, falling)));
	EXPECT_FALSE(valid(view(7, 9, falling)));
	EXPECT_FALSE(valid(view(5, 9, twice)));
}

} // namespace

#include "fixtures.hpp"
#include "wire/position.hpp"

#include <random>
#include <set>

namespace lockstep
{
namespace
{

using test::position;
using wire::Position;
using wire::PositionPtr;

TEST(Position, keeps_the_text_it_was_made_of)
{
	const std::string text = "p1-6b0146281a429b68-16384-1-19bf418-734-740-734,736";
	ASSERT_TRUE(Position::parse(text));
	EXPECT_EQ(Position::parse(text)->text(), text);
}

TEST(Position, refuses_what_is_none)
{
	for (const char *text : {"", "p1", "p2-1-1-1-0-3-3-", "p1-1-1-1-0-5-3-", "p1-1-1-1-0-3-4-9",
			 "p1-1-1-1-0-3-3-x", "p1-1-1-1-0-3-5-4,3", "null", "p1-1-1-1-0-3-3- "})
		EXPECT_FALSE(Position::parse(text)) << text;
}

TEST(Position, sees_what_was_finished_when_it_was_taken)
{
	const PositionPtr p = position(10, {5, 7});
	EXPECT_TRUE(p->sees(4));
	EXPECT_FALSE(p->sees(5));
	EXPECT_TRUE(p->sees(6));
	EXPECT_FALSE(p->sees(7));
	EXPECT_TRUE(p->sees(9));
	EXPECT_FALSE(p->sees(10));
}

TEST(Position, union_sees_what_either_sees_and_nothing_else)
{
	std::mt19937 random(7);
	auto some = [&] {
		const wire::Xid xmax = 3 + random() % 20;
		std::set<wire::Xid> running;
		for (int i = 0; i < 4; ++i)
			if (xmax > 3)
				running.insert(3 + random() % (xmax - 3));
		return position(xmax, {running.begin(), running.end()});
	};
	for (int round = 0; round < 2000; ++round) {
		const PositionPtr a = some();
		const PositionPtr b = some();
		const PositionPtr both = Position::unite(a, b);
		for (wire::Xid xid = 1; xid < 30; ++xid)
			ASSERT_EQ(both->sees(xid), a->sees(xid) || b->sees(xid))
				<< a->text() << " " << b->text() << " " << xid;
		ASSERT_TRUE(both->covers(*a) && both->covers(*b));
		ASSERT_TRUE(Position::parse(both->text())) << both->text();
		for (wire::Xid xid = 1; xid < 30; ++xid)
			ASSERT_EQ(Position::parse(both->text())->sees(xid), both->sees(xid));
	}
}

TEST(Position, knows_another_database)
{
	EXPECT_TRUE(position(5)->same_database(*position(9)));
	EXPECT_FALSE(position(5)->same_database(*Position::parse("p1-2-1-1-0-5-5-")));
	EXPECT_FALSE(position(5)->same_database(*Position::parse("p1-1-2-1-0-5-5-")));
}

} // namespace
} // namespace lockstep

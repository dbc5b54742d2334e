#include "net/write_gatherer.hpp"

#include <gtest/gtest.h>

namespace lockstep::net
{
namespace
{

wire::Write piece(std::size_t number, bool more, std::size_t bytes = 10)
{
	wire::Write write;
	write.mutation = "m" + std::to_string(number);
	write.piece = number;
	write.more = more;
	wire::Operation operation;
	operation.values = std::string(bytes, 'x');
	write.operations.push_back(std::move(operation));
	return write;
}

TEST(WriteGatherer, joins_the_pieces_of_each_write_in_order)
{
	WriteGatherer gatherer(100000);
	EXPECT_EQ(gatherer.add("1", piece(0, true, 1)).operations, 1U);
	EXPECT_EQ(gatherer.add("2", piece(0, true, 7)).operations, 1U);
	EXPECT_EQ(gatherer.add("1", piece(1, true, 2)).operations, 2U);
	const auto taken = gatherer.add("1", piece(2, false, 3));
	ASSERT_TRUE(taken.whole);
	EXPECT_EQ(taken.whole->mutation, "m0");
	ASSERT_EQ(taken.whole->operations.size(), 3U);
	EXPECT_EQ(taken.whole->operations[2].values.size(), 3U);
	EXPECT_TRUE(gatherer.add("2", piece(1, false)).whole);
}

TEST(WriteGatherer, passes_on_what_is_whole)
{
	WriteGatherer gatherer(100000);
	wire::Write write = piece(0, false);
	write.piece.reset();
	EXPECT_TRUE(gatherer.add("1", write).whole);
	EXPECT_FALSE(gatherer.discard("1"));
}

TEST(WriteGatherer, a_missing_piece_ends_the_write)
{
	WriteGatherer gatherer(100000);
	EXPECT_EQ(gatherer.add("1", piece(1, false)).failure->code, "bad_request"); // the first was lost
	gatherer.add("1", piece(0, true));
	EXPECT_TRUE(gatherer.add("1", piece(2, true)).failure);
	EXPECT_TRUE(gatherer.add("1", piece(3, false)).failure);
	EXPECT_TRUE(gatherer.add("1", piece(0, false)).whole); // from its first piece, all is well
}

TEST(WriteGatherer, unfinished_writes_have_a_limit_together)
{
	WriteGatherer gatherer(10000);
	EXPECT_FALSE(gatherer.add("1", piece(0, true, 6000)).failure);
	const auto refused = gatherer.add("2", piece(0, true, 6000));
	EXPECT_EQ(refused.failure->message, "the write is larger than 10000 bytes");
	EXPECT_FALSE(gatherer.discard("2"));
	EXPECT_TRUE(gatherer.discard("1"));
	EXPECT_FALSE(gatherer.add("2", piece(0, true, 6000)).failure);
	EXPECT_TRUE(gatherer.add("2", piece(1, true, 6000)).failure);
	EXPECT_FALSE(gatherer.add("3", piece(0, true, 6000)).failure); // the failed one takes nothing any more
}

TEST(WriteGatherer, all_that_is_kept_of_a_write_counts)
{
	WriteGatherer gatherer(100000);
	for (const auto member : {&wire::Write::reason, &wire::Write::mutation}) {
		for (std::size_t n = 0; n < 9; ++n) {
			wire::Write write = piece(0, true);
			write.*member = std::string(10000, 'x');
			EXPECT_FALSE(gatherer.add(std::to_string(n), write).failure);
		}
		wire::Write write = piece(0, true);
		write.*member = std::string(10000, 'x');
		EXPECT_TRUE(gatherer.add("9", write).failure);
		for (std::size_t n = 0; n < 9; ++n)
			EXPECT_TRUE(gatherer.discard(std::to_string(n)));
	}
	EXPECT_TRUE(gatherer.add("1", piece(0, true)).failure == std::nullopt);
	EXPECT_GT(gatherer.add("1", piece(1, false, 500)).bytes, 510U);
}

} // namespace
} // namespace lockstep::net

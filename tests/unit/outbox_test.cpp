#include "fixtures.hpp"
#include "net/outbox.hpp"

#include <random>

namespace lockstep::net
{
namespace
{

using test::position;
using wire::Frame;

/// Takes up to `limit` bytes out, as a socket would.
std::string drain(Outbox &outbox, std::size_t limit = SIZE_MAX)
{
	std::string sent;
	std::array<iovec, 4> parts;
	while (limit > 0) {
		const std::size_t count = outbox.gather(parts);
		if (count == 0)
			break;
		std::size_t taken = 0;
		for (std::size_t i = 0; i < count && limit > 0; ++i) {
			const std::size_t size = std::min(parts[i].iov_len, limit);
			sent.append(static_cast<const char *>(parts[i].iov_base), size);
			taken += size;
			limit -= size;
		}
		outbox.consume(taken);
	}
	return sent;
}

std::string wire_of(std::initializer_list<const char *> texts)
{
	std::string out;
	for (const char *text : texts)
		out += Frame::text(text)->wire();
	return out;
}

TEST(Outbox, sends_in_order_however_little_the_socket_takes)
{
	std::mt19937 random(2);
	for (int round = 0; round < 200; ++round) {
		Outbox outbox;
		std::string expected;
		std::string sent;
		for (int i = 0; i < 30; ++i) {
			const auto frame = Frame::text(std::string(random() % 200, static_cast<char>('a' + i % 26)));
			expected += frame->wire();
			if (random() % 2)
				outbox.push(frame);
			else
				outbox.push_live(1, 1, frame, position(5), false);
			sent += drain(outbox, random() % 150);
		}
		sent += drain(outbox);
		ASSERT_EQ(sent, expected);
		ASSERT_TRUE(outbox.empty());
		ASSERT_EQ(outbox.bytes(), 0U);
		ASSERT_EQ(outbox.firm_bytes(), 0U);
	}
}

TEST(Outbox, drops_live_changes_and_says_where_each_subscription_has_to_resume)
{
	Outbox outbox;
	outbox.push(Frame::text("answer"));
	outbox.push_live(1, 1, Frame::text("one a"), position(10), false);
	outbox.push_live(2, 1, Frame::text("two a"), position(11), false);
	outbox.push_live(1, 1, Frame::text("one b"), position(12), false);
	outbox.push_position(Frame::text("position"));
	outbox.push(Frame::text("answer 2"));
	const auto lost = outbox.drop();
	ASSERT_EQ(lost.size(), 2U);
	EXPECT_EQ(lost[0].subscription, 1U);
	EXPECT_EQ(lost[0].resume->text(), position(10)->text());
	EXPECT_EQ(lost[1].subscription, 2U);
	EXPECT_EQ(lost[1].resume->text(), position(11)->text());
	EXPECT_EQ(outbox.bytes(), outbox.firm_bytes());
	EXPECT_EQ(drain(outbox), wire_of({"answer", "answer 2"}));
}

TEST(Outbox, keeps_the_frame_that_is_partly_written)
{
	Outbox outbox;
	outbox.push_live(1, 1, Frame::text("first"), position(10), false);
	outbox.push_live(1, 1, Frame::text("second"), position(11), false);
	const std::string begun = drain(outbox, 3);
	const auto lost = outbox.drop();
	ASSERT_EQ(lost.size(), 1U);
	EXPECT_EQ(lost[0].resume->text(), position(11)->text());
	EXPECT_EQ(begun + drain(outbox), wire_of({"first"}));
}

TEST(Outbox, finishes_a_transaction_whose_first_pieces_are_sent)
{
	Outbox outbox;
	outbox.push_live(1, 1, Frame::text("piece 1"), position(10), true);
	outbox.push_live(1, 1, Frame::text("piece 2"), position(10), true);
	outbox.push_live(2, 1, Frame::text("other"), position(10), false);
	outbox.push_live(1, 1, Frame::text("piece 3"), position(10), false);
	outbox.push_live(1, 1, Frame::text("next"), position(11), false);
	const std::string begun = drain(outbox, Frame::text("piece 1")->size());
	const auto lost = outbox.drop();
	ASSERT_EQ(lost.size(), 2U);
	EXPECT_EQ(lost[0].subscription, 2U);
	EXPECT_EQ(lost[1].subscription, 1U);
	EXPECT_EQ(lost[1].resume->text(), position(11)->text());
	EXPECT_EQ(begun + drain(outbox), wire_of({"piece 1", "piece 2", "piece 3"}));
}

TEST(Outbox, drops_a_split_transaction_of_which_nothing_is_sent)
{
	Outbox outbox;
	outbox.push_live(1, 1, Frame::text("piece 1"), position(10), true);
	outbox.push_live(1, 1, Frame::text("piece 2"), position(10), false);
	const auto lost = outbox.drop();
	ASSERT_EQ(lost.size(), 1U);
	EXPECT_EQ(lost[0].resume->text(), position(10)->text());
	EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, tells_losses_before_and_after_a_piece_of_work_apart)
{
	Outbox outbox;
	outbox.push_live(1, 1, Frame::text("before"), position(10), false);
	outbox.push_live(1, 1, Frame::text("before too"), position(11), false);
	outbox.push(Frame::text("snapshot"));
	outbox.push_live(1, 2, Frame::text("after"), position(14), false);
	const auto lost = outbox.drop();
	ASSERT_EQ(lost.size(), 2U);
	EXPECT_EQ(lost[0].ticket, 1U);
	EXPECT_EQ(lost[0].resume->text(), position(10)->text());
	EXPECT_EQ(lost[1].ticket, 2U);
	EXPECT_EQ(lost[1].resume->text(), position(14)->text());
	EXPECT_EQ(drain(outbox), wire_of({"snapshot"}));
}

TEST(Outbox, forgets_what_is_left_of_a_subscription_that_ended)
{
	Outbox outbox;
	outbox.push_live(1, 1, Frame::text("one"), position(10), false);
	outbox.push_live(2, 1, Frame::text("two"), position(10), false);
	outbox.push(Frame::text("answer"));
	outbox.forget(1);
	EXPECT_EQ(drain(outbox), wire_of({"two", "answer"}));
}

} // namespace
} // namespace lockstep::net

// The load client's frame parser: an instrument that miscounts is worse than none.

#include "load/websocket.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace
{

using lockstep::bench::client_frame;
using lockstep::bench::FrameParser;
using lockstep::bench::Opcode;

std::string server_frame(unsigned first, const std::string &payload)
{
	std::string frame(1, static_cast<char>(first));
	if (payload.size() < 126) {
		frame += static_cast<char>(payload.size());
	} else if (payload.size() < 65536) {
		frame += static_cast<char>(126);
		frame += static_cast<char>(payload.size() >> 8);
		frame += static_cast<char>(payload.size());
	} else {
		frame += static_cast<char>(127);
		for (int shift = 56; shift >= 0; shift -= 8)
			frame += static_cast<char>(payload.size() >> shift);
	}
	return frame + payload;
}

using Messages = std::vector<std::pair<Opcode, std::string>>;

/// Feeds `bytes` in pieces of `piece` bytes.
bool parse(const std::string &bytes, std::size_t piece, Messages &messages)
{
	FrameParser parser;
	for (std::size_t at = 0; at < bytes.size(); at += piece)
		if (!parser.feed(std::string_view(bytes).substr(at, piece),
				[&](Opcode opcode, std::string_view payload) { messages.emplace_back(opcode, payload); }))
			return false;
	return true;
}

TEST(BenchFrameParser, finds_the_same_messages_however_the_bytes_are_cut)
{
	const std::string sizes[] = {"", "short", std::string(125, 'a'), std::string(126, 'b'),
		std::string(65535, 'c'), std::string(65536, 'd')};
	std::string bytes;
	Messages expected;
	for (const std::string &payload : sizes) {
		bytes += server_frame(0x81, payload);
		expected.emplace_back(Opcode::text, payload);
	}
	for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
		Messages messages;
		EXPECT_TRUE(parse(bytes, piece, messages));
		EXPECT_EQ(messages, expected) << "in pieces of " << piece;
	}
}

TEST(BenchFrameParser, joins_a_message_in_several_frames_with_a_ping_between)
{
	const std::string bytes = server_frame(0x01, "one ") + server_frame(0x89, "ping") +
		server_frame(0x00, "two ") + server_frame(0x80, "three") + server_frame(0x82, "binary");
	Messages messages;
	EXPECT_TRUE(parse(bytes, 3, messages));
	const Messages expected = {
		{Opcode::ping, "ping"}, {Opcode::text, "one two three"}, {Opcode::binary, "binary"}};
	EXPECT_EQ(messages, expected);
}

TEST(BenchFrameParser, refuses_what_a_server_must_not_send)
{
	Messages messages;
	EXPECT_FALSE(parse(client_frame(Opcode::text, "masked"), 100, messages));
	EXPECT_FALSE(parse(server_frame(0xc1, "compressed"), 100, messages));
	EXPECT_FALSE(parse(server_frame(0x80, "the rest of nothing"), 100, messages));
	EXPECT_FALSE(parse(server_frame(0x01, "a") + server_frame(0x81, "b"), 100, messages));
	EXPECT_FALSE(parse(server_frame(0x09, "half a ping"), 100, messages));
	EXPECT_TRUE(messages.empty());
}

TEST(BenchFrameParser, masks_what_it_sends)
{
	const std::string frame = client_frame(Opcode::text, "hello");
	ASSERT_EQ(frame.size(), 2u + 4 + 5);
	EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x81);
	EXPECT_EQ(static_cast<unsigned char>(frame[1]), 0x80 | 5);
	std::string payload;
	for (std::size_t i = 0; i < 5; ++i)
		payload += static_cast<char>(frame[6 + i] ^ frame[2 + i % 4]);
	EXPECT_EQ(payload, "hello");
	EXPECT_EQ(client_frame(Opcode::text, std::string(126, 'x')).size(), 2u + 2 + 4 + 126);
	EXPECT_EQ(client_frame(Opcode::text, std::string(65536, 'x')).size(), 2u + 8 + 4 + 65536);
}

} // namespace

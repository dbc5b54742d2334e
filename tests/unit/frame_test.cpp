// The WebSocket codec, both ways.
#include "wire/frame.hpp"
#include "wire/frame_reader.hpp"
#include "wire/utf8.hpp"

#include <gtest/gtest.h>

#include <random>

namespace lockstep::wire
{
namespace
{

/// A frame as a client sends it.
std::string masked(unsigned first, std::string_view payload, int length_form = 0)
{
	std::string out(1, static_cast<char>(first));
	const std::size_t size = payload.size();
	if (length_form == 0)
		length_form = size < 126 ? 1 : size <= 0xFFFF ? 2 : 8;
	if (length_form == 1) {
		out += static_cast<char>(0x80U | size);
	} else {
		out += static_cast<char>(length_form == 2 ? 0xFE : 0xFF);
		for (int i = length_form - 1; i >= 0; --i)
			out += static_cast<char>(size >> (8 * i));
	}
	const unsigned char mask[4] = {0x12, 0x34, 0xAB, 0xCD};
	out.append(reinterpret_cast<const char *>(mask), 4);
	for (std::size_t i = 0; i < size; ++i)
		out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i & 3]);
	return out;
}

constexpr unsigned fin_text = 0x81;
constexpr unsigned part_text = 0x01;
constexpr unsigned part = 0x00;
constexpr unsigned fin_part = 0x80;
constexpr unsigned fin_binary = 0x82;
constexpr unsigned fin_close = 0x88;
constexpr unsigned fin_ping = 0x89;

struct Read {
	std::vector<Incoming> messages;
	std::optional<Violation> violation;
};

Read read(const std::string &bytes, std::size_t limit = 1000)
{
	FrameReader reader(limit);
	Read result;
	result.violation = reader.feed(bytes, result.messages);
	return result;
}

TEST(FrameReader, reads_a_masked_text_message)
{
	const Read result = read(masked(fin_text, "hello"));
	ASSERT_FALSE(result.violation);
	ASSERT_EQ(result.messages.size(), 1U);
	EXPECT_EQ(result.messages[0].payload, "hello");
	EXPECT_EQ(result.messages[0].opcode, Opcode::text);
}

TEST(FrameReader, puts_fragments_together_with_a_ping_between_them)
{
	const Read result = read(masked(part_text, "a€").substr(0) + masked(fin_ping, "?") + masked(part, "b") +
		masked(fin_part, "c"));
	ASSERT_FALSE(result.violation);
	ASSERT_EQ(result.messages.size(), 2U);
	EXPECT_EQ(result.messages[0].opcode, Opcode::ping);
	EXPECT_EQ(result.messages[0].payload, "?");
	EXPECT_EQ(result.messages[1].payload, "a€bc");
}

TEST(FrameReader, a_character_may_be_cut_between_fragments)
{
	const Read result = read(masked(part_text, "\xE2\x82") + masked(fin_part, "\xAC"));
	ASSERT_FALSE(result.violation);
	EXPECT_EQ(result.messages.at(0).payload, "€");
}

TEST(FrameReader, gives_the_same_messages_however_the_bytes_are_cut)
{
	std::mt19937 random(11);
	for (int round = 0; round < 300; ++round) {
		std::string bytes;
		std::vector<std::string> expected;
		for (int i = 0; i < 8; ++i) {
			std::string text(random() % 3 == 0 ? random() % 70000 : random() % 300, 'x');
			for (char &c : text)
				c = static_cast<char>('a' + random() % 26);
			expected.push_back(text);
			if (random() % 2 == 0) {
				bytes += masked(fin_text, text);
			} else {
				const std::size_t cut = text.empty() ? 0 : random() % text.size();
				bytes += masked(part_text, text.substr(0, cut)) + masked(fin_part, text.substr(cut));
			}
		}
		FrameReader reader(100000);
		std::vector<Incoming> messages;
		for (std::size_t at = 0; at < bytes.size();) {
			const std::size_t size =
				std::min<std::size_t>(1 + random() % (random() % 4 == 0 ? 50000 : 7), bytes.size() - at);
			ASSERT_FALSE(reader.feed({bytes.data() + at, size}, messages));
			at += size;
		}
		ASSERT_EQ(messages.size(), expected.size());
		for (std::size_t i = 0; i < expected.size(); ++i)
			ASSERT_EQ(messages[i].payload, expected[i]);
	}
}

TEST(FrameReader, survives_any_bytes)
{
	std::mt19937 random(5);
	for (int round = 0; round < 5000; ++round) {
		FrameReader reader(2000);
		std::vector<Incoming> messages;
		std::string bytes = masked(fin_text, "ok");
		for (int i = 0; i < 40; ++i)
			bytes += static_cast<char>(random());
		const auto violation = reader.feed(bytes, messages);
		EXPECT_GE(messages.size(), 1U);
		if (violation) {
			const auto code = violation->code;
			EXPECT_TRUE(code == 1002 || code == 1007 || code == 1009) << code;
		}
	}
}

TEST(FrameReader, too_large_a_message_is_refused_before_it_is_read)
{
	EXPECT_FALSE(read(masked(fin_text, std::string(1000, 'x'))).violation);
	const std::string large = masked(fin_text, std::string(1001, 'x'));
	const Read result = read(large.substr(0, 8)); // the header alone
	ASSERT_TRUE(result.violation);
	EXPECT_EQ(result.violation->code, 1009);
}

TEST(FrameReader, fragments_count_together_against_the_limit)
{
	const Read result =
		read(masked(part_text, std::string(600, 'x')) + masked(fin_part, std::string(600, 'x')));
	ASSERT_TRUE(result.violation);
	EXPECT_EQ(result.violation->code, 1009);
}

TEST(FrameReader, violations_of_the_protocol_are_1002)
{
	const std::string unmasked = std::string("\x81\x02") + "hi";
	std::string huge("\x81\xFF\x80\0\0\0\0\0\0\0\1\2\3\4", 14);
	for (const std::string &bytes :
		{unmasked, masked(0xC1, "reserved bit"), masked(0x83, "reserved opcode"),
			masked(0x09, "fragmented ping"), masked(fin_ping, std::string(126, 'x')),
			masked(fin_part, "nothing to continue"), masked(part_text, "a") + masked(fin_text, "b"),
			masked(fin_text, "long form", 2), masked(fin_text, "long form", 8), masked(fin_close, "x"),
			masked(fin_close, std::string("\x03\xED", 2)), masked(fin_close, std::string("\0\1", 2)), huge}) {
		const Read result = read(bytes);
		ASSERT_TRUE(result.violation) << bytes;
		EXPECT_EQ(result.violation->code, 1002) << bytes;
	}
}

TEST(FrameReader, bad_utf8_is_1007)
{
	EXPECT_EQ(read(masked(fin_text, "\xC0\xAF")).violation->code, 1007);
	EXPECT_EQ(read(masked(fin_close, std::string("\x03\xE8\xFF", 3))).violation->code, 1007);
	EXPECT_FALSE(read(masked(fin_binary, "\xC0\xAF")).violation);
}

TEST(FrameReader, reads_close_with_and_without_a_code)
{
	const Read plain = read(masked(fin_close, ""));
	EXPECT_EQ(plain.messages.at(0).code, 1005);
	const Read coded = read(masked(fin_close, std::string("\x03\xE8", 2) + "bye"));
	EXPECT_EQ(coded.messages.at(0).code, 1000);
	EXPECT_EQ(coded.messages.at(0).payload, "bye");
}

TEST(FrameReader, takes_nothing_more_after_a_violation)
{
	FrameReader reader(100);
	std::vector<Incoming> messages;
	EXPECT_TRUE(reader.feed(masked(0xC1, "x"), messages));
	EXPECT_TRUE(reader.feed(masked(fin_text, "fine"), messages));
	EXPECT_TRUE(messages.empty());
}

TEST(Frame, has_the_shortest_header_for_its_length)
{
	for (const auto &[size, header] :
		{std::pair<std::size_t, std::size_t>{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}}) {
		const FramePtr frame = Frame::text(std::string(size, 'x'));
		EXPECT_EQ(frame->size(), size + header);
		EXPECT_EQ(frame->payload().size(), size);
		EXPECT_EQ(static_cast<unsigned char>(frame->wire()[0]), 0x81);
		EXPECT_EQ(frame->wire().substr(header), frame->payload());
	}
	EXPECT_EQ(Frame::text(std::string(300, 'x'))->wire().substr(1, 3), std::string_view("\x7E\x01\x2C", 3));
}

TEST(Frame, close_carries_code_and_a_reason_that_fits)
{
	const FramePtr frame = Frame::close(1012, std::string(200, 'r'));
	EXPECT_EQ(static_cast<unsigned char>(frame->wire()[0]), 0x88);
	EXPECT_EQ(frame->payload().substr(0, 2), std::string_view("\x03\xF4", 2));
	EXPECT_EQ(frame->payload().size(), 125U);
}

TEST(Utf8, accepts_what_is_well_formed_only)
{
	for (const char *good :
		{"", "plain ascii, longer than eight bytes", "ä€😀", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF", "aaaaaaaaä"})
		EXPECT_TRUE(valid_utf8(good)) << good;
	for (const char *bad : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
			 "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "abc\xE2\x82", "aaaaaaaa\xFF"})
		EXPECT_FALSE(valid_utf8(bad)) << bad;
}

} // namespace
} // namespace lockstep::wire

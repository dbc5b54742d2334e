// What the bridge says, except the frames of changes (those are the hub's).
#pragma once

#include "wire/frame.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lockstep::wire
{

/// What went wrong, as clients are told: `code` is an SQLSTATE or a word of docs/protocol.md.
struct Failure {
	std::string code;
	std::string message;
	std::string detail; // spliced where it is a JSON object or array, else sent as a string; empty: none
	std::string hint;
	std::optional<std::size_t> operation = std::nullopt; // of a write
};

Failure bad_request(std::string message, std::string hint = {});
Failure unavailable();
Failure cancelled();

/// Builds one message, member by member. Values that are JSON already are spliced.
class Answer {
public:
	explicit Answer(std::string_view type, std::string_view id = {});

	Answer &text(std::string_view name, std::string_view value); // as a JSON string
	Answer &raw(std::string_view name, std::string_view json);
	Answer &optional(std::string_view name, const std::optional<std::string> &value); // null where absent
	FramePtr seal();

private:
	std::string bytes_;
};

FramePtr error_frame(std::string_view id, const Failure &failure);
FramePtr ok_frame(std::string_view id);
FramePtr position_frame(std::string_view position);
FramePtr status_frame(bool connected);
FramePtr behind_frame(std::string_view sub);
FramePtr refetch_frame(std::string_view sub, std::string_view reason);
FramePtr unsubscribed_frame(std::string_view sub, const Failure &failure);
FramePtr goodbye_frame(unsigned retry_after_ms);

} // namespace lockstep::wire

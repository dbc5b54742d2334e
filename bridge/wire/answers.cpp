#include "wire/answers.hpp"

#include "wire/json.hpp"

namespace lockstep::wire
{

Failure bad_request(std::string message, std::string hint)
{
	return {"bad_request", std::move(message), {}, std::move(hint)};
}

Failure unavailable()
{
	return {"unavailable", "the database is not available", {},
		"The bridge keeps trying to connect; a status message will tell when it has."};
}

Failure cancelled()
{
	return {"cancelled", "the write was cancelled", {}, "Nothing of it was written."};
}

Answer::Answer(std::string_view type, std::string_view id) : bytes_(Frame::room())
{
	bytes_ += "{\"type\":\"";
	bytes_ += type;
	bytes_ += '"';
	if (!id.empty())
		raw("id", id);
}

Answer &Answer::text(std::string_view name, std::string_view value)
{
	bytes_ += ",\"";
	bytes_ += name;
	bytes_ += "\":";
	append_quoted(bytes_, value);
	return *this;
}

Answer &Answer::raw(std::string_view name, std::string_view json)
{
	bytes_ += ",\"";
	bytes_ += name;
	bytes_ += "\":";
	bytes_ += json;
	return *this;
}

Answer &Answer::optional(std::string_view name, const std::optional<std::string> &value)
{
	return value ? text(name, *value) : raw(name, "null");
}

FramePtr Answer::seal()
{
	bytes_ += '}';
	return Frame::seal(std::move(bytes_));
}

FramePtr error_frame(std::string_view id, const Failure &failure)
{
	Answer answer("error", id);
	answer.text("code", failure.code).text("message", failure.message);
	if (!failure.detail.empty()) {
		const char first = failure.detail.front();
		if ((first == '{' || first == '[') && valid_json(failure.detail))
			answer.raw("detail", failure.detail);
		else
			answer.text("detail", failure.detail);
	}
	if (!failure.hint.empty())
		answer.text("hint", failure.hint);
	if (failure.operation)
		answer.raw("operation", std::to_string(*failure.operation));
	return answer.seal();
}

FramePtr ok_frame(std::string_view id)
{
	return Answer("ok", id).seal();
}

FramePtr position_frame(std::string_view position)
{
	return Answer("position").text("position", position).seal();
}

FramePtr status_frame(bool connected)
{
	return Answer("status").text("database", connected ? "connected" : "reconnecting").seal();
}

FramePtr behind_frame(std::string_view sub)
{
	return Answer("behind").text("sub", sub).seal();
}

FramePtr refetch_frame(std::string_view sub, std::string_view reason)
{
	return Answer("refetch").text("sub", sub).text("reason", reason).seal();
}

FramePtr unsubscribed_frame(std::string_view sub, const Failure &failure)
{
	return Answer("unsubscribed")
		.text("sub", sub)
		.text("code", failure.code)
		.text("message", failure.message)
		.seal();
}

FramePtr goodbye_frame(unsigned retry_after_ms)
{
	return Answer("goodbye")
		.text("reason", "restart")
		.raw("retry_after_ms", std::to_string(retry_after_ms))
		.seal();
}

} // namespace lockstep::wire

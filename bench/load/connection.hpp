// One subscriber: a non-blocking socket that goes through upgrade, hello and subscribe, and then only receives.
#pragma once

#include "message.hpp"
#include "websocket.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lockstep::bench
{

struct Target {
	std::uint16_t port = 0;
	std::string table;
};

/// Not thread-safe: belongs to one epoll loop.
class Connection {
public:
	enum class Stage { connecting, upgrading, greeting, subscribing, live, dead };

	Connection() = default;
	Connection(const Connection &) = delete;
	Connection &operator=(const Connection &) = delete;
	~Connection();

	/// Begins to connect. `index` chooses a loopback source address: one has ports for about 28,000 connections.
	/// Returns the socket, or -1 with `error()` set.
	int open(const Target &target, std::size_t index);
	/// The socket became writable: connected, or has room again. Returns false when the connection is over.
	bool on_writable();
	/// Reads what is there, through `buffer`; once live, calls `on_text(std::string_view)` for each text message. Returns false when
	/// the connection is over.
	template <class OnText> bool on_readable(std::span<char> buffer, OnText &&on_text);
	/// Ends the connection, with a reason.
	bool fail(std::string why);

	Stage stage() const { return stage_; }
	int socket() const { return socket_; }
	bool wants_write() const { return stage_ == Stage::connecting || !output_.empty(); }
	const std::string &error() const { return error_; }

private:
	bool send(std::string_view bytes);
	bool flush();
	bool upgraded(std::string_view &bytes);
	bool answer(std::string_view text);
	bool control(Opcode opcode, std::string_view payload);
	/// 0 nothing there, -1 over.
	int receive(std::span<char> buffer, std::string_view &bytes);

	int socket_ = -1;
	Stage stage_ = Stage::dead;
	std::string table_;
	std::string output_;
	std::string handshake_;
	FrameParser parser_;
	std::string error_;
};

template <class OnText> bool Connection::on_readable(std::span<char> buffer, OnText &&on_text)
{
	for (;;) {
		std::string_view bytes;
		const int got = receive(buffer, bytes);
		if (got == 0)
			return true;
		if (got < 0)
			return false;
		// A short read has emptied the socket; what comes later is a new edge.
		const bool emptied = bytes.size() < buffer.size();
		if (stage_ == Stage::upgrading && !upgraded(bytes)) {
			if (stage_ == Stage::dead)
				return false;
			continue;
		}
		const bool legal = parser_.feed(bytes, [&](Opcode opcode, std::string_view payload) {
			if (stage_ == Stage::dead)
				return;
			if (opcode != Opcode::text)
				control(opcode, payload);
			else if (stage_ == Stage::live)
				on_text(payload);
			else
				answer(payload);
		});
		if (stage_ == Stage::dead)
			return false;
		if (!legal)
			return fail("malformed frame");
		if (emptied)
			return true;
	}
}

} // namespace lockstep::bench

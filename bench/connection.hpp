// One subscriber: a non-blocking socket that goes through upgrade, hello and subscribe, and then only receives.
#pragma once

#include "websocket.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep::bench
{

struct Target {
	std::uint16_t port = 0;
	std::string table;
};

/// Not thread-safe: belongs to the epoll loop.
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
	/// Reads what is there; calls `on_changes(std::string_view)` for each `changes` message.
	template <class OnChanges> bool on_readable(OnChanges &&on_changes);

	Stage stage() const { return stage_; }
	int socket() const { return socket_; }
	bool wants_write() const { return stage_ == Stage::connecting || !output_.empty(); }
	const std::string &error() const { return error_; }

private:
	bool fail(std::string why);
	bool send(std::string_view bytes);
	bool flush();
	bool upgraded(std::string_view &bytes);
	bool answer(std::string_view message);

	/// Reads into the caller's view; 0 nothing there, -1 over.
	int receive(std::string_view &bytes);

	int socket_ = -1;
	Stage stage_ = Stage::dead;
	std::string table_;
	std::string output_;
	std::string handshake_;
	FrameParser parser_;
	std::string error_;
};

template <class OnChanges> bool Connection::on_readable(OnChanges &&on_changes)
{
	for (;;) {
		std::string_view bytes;
		const int got = receive(bytes);
		if (got == 0)
			return true;
		if (got < 0)
			return false;
		if (stage_ == Stage::upgrading && !upgraded(bytes))
			return stage_ != Stage::dead;
		bool alive = true;
		const bool legal = parser_.feed(bytes, [&](Opcode opcode, std::string_view payload) {
			if (opcode == Opcode::ping)
				alive = alive && send(client_frame(Opcode::pong, payload));
			else if (opcode == Opcode::close)
				alive = fail("closed by the bridge: " +
					std::string(payload.substr(std::min<std::size_t>(2, payload.size()))));
			else if (opcode == Opcode::text && payload.find("\"type\":\"changes\"") != std::string_view::npos)
				on_changes(payload);
			else if (opcode == Opcode::text)
				alive = alive && answer(payload);
		});
		if (!legal)
			return fail("malformed frame");
		if (!alive)
			return false;
	}
}

} // namespace lockstep::bench

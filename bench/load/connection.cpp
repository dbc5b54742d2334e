#include "connection.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lockstep::bench
{

namespace
{

constexpr std::size_t connections_per_source = 20'000;

} // namespace

Connection::~Connection()
{
	if (socket_ >= 0)
		close(socket_);
}

int Connection::open(const Target &target, std::size_t index)
{
	table_ = target.table;
	socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (socket_ < 0) {
		fail(std::string("could not create a socket: ") + std::strerror(errno));
		return -1;
	}
	const int on = 1;
	setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	if (index >= connections_per_source) {
		setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
		address.sin_addr.s_addr =
			htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(index / connections_per_source));
		if (bind(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
			fail(std::string("could not bind: ") + std::strerror(errno));
			return -1;
		}
	}
	address.sin_port = htons(target.port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 &&
		errno != EINPROGRESS) {
		fail(std::string("could not connect: ") + std::strerror(errno));
		return -1;
	}
	stage_ = Stage::connecting;
	return socket_;
}

bool Connection::on_writable()
{
	if (stage_ == Stage::connecting) {
		int problem = 0;
		socklen_t size = sizeof problem;
		getsockopt(socket_, SOL_SOCKET, SO_ERROR, &problem, &size);
		if (problem != 0)
			return fail(std::string("could not connect: ") + std::strerror(problem));
		stage_ = Stage::upgrading;
		return send(
			"GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
			"Sec-WebSocket-Protocol: lockstep.v1\r\n\r\n");
	}
	return flush();
}

bool Connection::fail(std::string why)
{
	error_ = std::move(why);
	stage_ = Stage::dead;
	return false;
}

bool Connection::send(std::string_view bytes)
{
	output_ += bytes;
	return flush();
}

bool Connection::flush()
{
	while (!output_.empty()) {
		const ssize_t sent = ::send(socket_, output_.data(), output_.size(), MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return true;
			return fail(std::string("could not send: ") + std::strerror(errno));
		}
		output_.erase(0, static_cast<std::size_t>(sent));
	}
	return true;
}

int Connection::receive(std::span<char> buffer, std::string_view &bytes)
{
	const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
	if (got > 0) {
		bytes = {buffer.data(), static_cast<std::size_t>(got)};
		return 1;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	fail(got == 0 ? "the bridge hung up" : std::string("could not receive: ") + std::strerror(errno));
	return -1;
}

/// Returns true once the answer is complete and good; `bytes` is then what follows it.
bool Connection::upgraded(std::string_view &bytes)
{
	const std::size_t before = handshake_.size();
	handshake_.append(bytes);
	const std::size_t end = handshake_.find("\r\n\r\n");
	if (end == std::string::npos)
		return false;
	if (!handshake_.starts_with("HTTP/1.1 101 "))
		return fail("no upgrade: " + handshake_.substr(0, handshake_.find('\r')));
	bytes.remove_prefix(end + 4 - before);
	handshake_.clear();
	handshake_.shrink_to_fit();
	stage_ = Stage::greeting;
	return send(client_frame(Opcode::text, R"({"type":"hello","id":1})"));
}

bool Connection::answer(std::string_view text)
{
	const Message message = understand(text);
	switch (message.type) {
	case Message::Type::welcome:
		stage_ = Stage::subscribing;
		return send(client_frame(
			Opcode::text, R"({"type":"subscribe","id":2,"snapshot":true,"table":")" + table_ + "\"}"));
	case Message::Type::snapshot:
		if (message.last)
			stage_ = Stage::live;
		return true;
	case Message::Type::subscribed:
	case Message::Type::other:
		return true;
	default:
		return fail("the bridge says " + std::string(text.substr(0, 500)));
	}
}

bool Connection::control(Opcode opcode, std::string_view payload)
{
	if (opcode == Opcode::ping)
		return send(client_frame(Opcode::pong, payload));
	if (opcode == Opcode::pong)
		return true;
	if (opcode == Opcode::close)
		return fail(
			"closed by the bridge: " + std::string(payload.substr(std::min<std::size_t>(2, payload.size()))));
	return fail("a binary message");
}

} // namespace lockstep::bench

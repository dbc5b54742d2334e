#include "net/listener.hpp"

#include "base/log.hpp"
#include "base/spawn.hpp"

namespace lockstep::net
{

using asio::ip::tcp;

Listener::Listener(asio::io_context &context, Shards &shards, const HttpContext &http)
	: acceptor_(context), shards_(shards), http_(http)
{
	const tcp::endpoint endpoint(asio::ip::make_address(http_.settings.host), http_.settings.port);
	error_code error;
	acceptor_.open(endpoint.protocol(), error);
	if (!error)
		acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
	if (!error)
		acceptor_.bind(endpoint, error);
	if (!error)
		acceptor_.listen(4096, error);
	if (error)
		throw SettingsError{"could not listen on " + http_.settings.host + ":" +
				std::to_string(http_.settings.port) + ": " + error.message(),
			error == asio::error::address_in_use
				? "Another program listens there. Choose another port with --listen."
				: ""};
}

std::string Listener::address() const
{
	const tcp::endpoint endpoint = acceptor_.local_endpoint();
	const std::string host = endpoint.address().to_string();
	return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

asio::awaitable<void> Listener::run()
{
	while (acceptor_.is_open()) {
		Shard &shard = shards_.next();
		tcp::socket socket(shard.context());
		error_code error;
		co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
		if (!acceptor_.is_open())
			break;
		if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
			error == asio::error::no_memory) {
			log::warn("could not accept a connection", log::Field("error", error.message()));
			// Until some are closed, each attempt fails at once.
			co_await sleep_for(acceptor_.get_executor(), std::chrono::milliseconds(100));
			continue;
		}
		if (error)
			continue; // the client gave up before it was served
		spawn(shard.context(), "HTTP connection", [socket = std::move(socket), &shard, this]() mutable {
			return serve_http(std::move(socket), shard, http_);
		});
	}
}

void Listener::stop()
{
	error_code ignored;
	acceptor_.close(ignored);
}

} // namespace lockstep::net

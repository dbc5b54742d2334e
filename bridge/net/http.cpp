#include "net/http.hpp"

#include "base/log.hpp"
#include "net/handshake.hpp"
#include "net/session.hpp"
#include "net/static_files.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <variant>

namespace lockstep::net
{
namespace
{

namespace beast = boost::beast;

using Text = http::response<http::string_body>;
using File = http::response<http::file_body>;
using Response = std::variant<Text, File>;

constexpr std::chrono::seconds request_timeout{30};
constexpr std::size_t max_request_bytes = 64U << 10U;

Text text_response(const HttpRequest &request, http::status status, std::string body,
	std::string_view type = "text/plain; charset=utf-8")
{
	Text response(status, request.version());
	response.set(http::field::content_type, beast::string_view(type.data(), type.size()));
	response.set(http::field::cache_control, "no-store");
	response.set("X-Content-Type-Options", "nosniff");
	response.body() = std::move(body);
	response.keep_alive(request.keep_alive());
	response.prepare_payload();
	if (request.method() == http::verb::head)
		response.body().clear();
	return response;
}

std::string_view path_of(const HttpRequest &request)
{
	const std::string_view target(request.target().data(), request.target().size());
	return target.substr(0, target.find('?'));
}

Response static_response(const HttpRequest &request, const Settings &settings)
{
	const std::string_view target(request.target().data(), request.target().size());
	if (const auto where = directory_redirect(settings.mounts, target)) {
		Text response = text_response(request, http::status::permanent_redirect, "");
		response.set(http::field::location, *where);
		return response;
	}
	const auto file = find_static(settings.mounts, target);
	if (!file)
		return text_response(request, http::status::not_found, "not found\n");
	if (request[http::field::if_none_match] == file->etag) {
		Text response = text_response(request, http::status::not_modified, "");
		response.set(http::field::etag, file->etag);
		response.set(http::field::cache_control, "no-cache");
		response.erase(http::field::content_type);
		return response;
	}
	File response(http::status::ok, request.version());
	beast::error_code error;
	response.body().open(file->path.c_str(), beast::file_mode::scan, error);
	if (error)
		return text_response(request, http::status::not_found, "not found\n");
	response.set(http::field::content_type, file->mime_type);
	response.set(http::field::etag, file->etag);
	response.set(http::field::cache_control, "no-cache");
	response.set("X-Content-Type-Options", "nosniff");
	response.keep_alive(request.keep_alive());
	response.prepare_payload();
	return response;
}

Response respond(const HttpRequest &request, const HttpContext &context)
{
	if (request.method() != http::verb::get && request.method() != http::verb::head) {
		Text response = text_response(request, http::status::method_not_allowed, "method not allowed\n");
		response.set(http::field::allow, "GET, HEAD");
		return response;
	}
	const std::string_view path = path_of(request);
	if (path == "/healthz")
		return text_response(request, http::status::ok, "ok\n");
	if (path == "/readyz") {
		if (context.ready)
			return text_response(request, http::status::ok, "ready\n");
		return text_response(request, http::status::service_unavailable, "the database is not available\n");
	}
	if (path == "/metrics")
		return text_response(
			request, http::status::ok, context.metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
	if (path == "/v1/changes" || path == "/v1/stream" || path == "/v1/rows")
		return text_response(request, http::status::not_implemented, "not supported in this version\n");
	return static_response(request, context.settings);
}

/// Sends a response; false where the connection cannot go on.
asio::awaitable<bool> send(beast::tcp_stream &stream, const HttpRequest &request, Response &response)
{
	beast::error_code error;
	bool keep_alive = false;
	if (auto *text = std::get_if<Text>(&response)) {
		keep_alive = text->keep_alive();
		http::response_serializer<http::string_body> serializer(*text);
		if (request.method() == http::verb::head)
			co_await http::async_write_header(
				stream, serializer, asio::redirect_error(asio::use_awaitable, error));
		else
			co_await http::async_write(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
	} else {
		auto &file = std::get<File>(response);
		keep_alive = file.keep_alive();
		http::response_serializer<http::file_body> serializer(file);
		if (request.method() == http::verb::head)
			co_await http::async_write_header(
				stream, serializer, asio::redirect_error(asio::use_awaitable, error));
		else
			co_await http::async_write(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
	}
	co_return !error && keep_alive;
}

/// Answers an upgrade request. True where the connection is a WebSocket now.
asio::awaitable<bool> upgrade(beast::tcp_stream &stream, const HttpRequest &request, const Shard &shard)
{
	Refusal refusal = check_upgrade(request, shard.settings().allowed_origins);
	if (refusal.reason.empty() && shard.closing())
		refusal = {http::status::service_unavailable, "the bridge is stopping"};
	beast::error_code error;
	if (!refusal.reason.empty()) {
		log::info("upgrade refused", log::Field("reason", refusal.reason),
			log::Field("origin",
				std::string_view(request[http::field::origin].data(), request[http::field::origin].size())));
		Response response = text_response(request, refusal.status, refusal.reason + "\n");
		if (refusal.status == http::status::upgrade_required) {
			std::get<Text>(response).set(http::field::upgrade, "websocket");
			std::get<Text>(response).set("Sec-WebSocket-Version", "13");
		}
		std::get<Text>(response).keep_alive(false);
		co_await send(stream, request, response);
		co_return false;
	}
	http::response<http::empty_body> response(http::status::switching_protocols, 11);
	const auto key = request["Sec-WebSocket-Key"];
	response.set(http::field::upgrade, "websocket");
	response.set(http::field::connection, "Upgrade");
	response.set("Sec-WebSocket-Accept", accept_key({key.data(), key.size()}));
	if (offers_subprotocol(request))
		response.set("Sec-WebSocket-Protocol", "lockstep.v1");
	http::response_serializer<http::empty_body> serializer(response);
	co_await http::async_write(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
	co_return !error;
}

} // namespace

asio::awaitable<void> serve_http(asio::ip::tcp::socket socket, Shard &shard, const HttpContext &context)
{
	beast::tcp_stream stream(std::move(socket));
	beast::flat_buffer buffer(max_request_bytes);
	while (true) {
		http::request_parser<http::string_body> parser;
		parser.body_limit(max_request_bytes);
		parser.header_limit(static_cast<std::uint32_t>(max_request_bytes / 2));
		stream.expires_after(request_timeout);
		beast::error_code error;
		co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
		if (error && error != http::error::end_of_stream &&
			error.category() == make_error_code(http::error::bad_method).category()) {
			HttpRequest malformed;
			malformed.version(11);
			malformed.keep_alive(false);
			Response response = text_response(malformed, http::status::bad_request, "malformed request\n");
			co_await send(stream, malformed, response);
			break;
		}
		if (error)
			break;
		const HttpRequest request = parser.release();
		if (path_of(request) == "/v1/socket") {
			const bool upgraded = co_await upgrade(stream, request, shard);
			if (!upgraded)
				break;
			stream.expires_never();
			std::string early = beast::buffers_to_string(buffer.data());
			std::make_shared<Session>(shard, stream.release_socket())->start(std::move(early));
			co_return;
		}
		Response response = respond(request, context);
		if (!co_await send(stream, request, response))
			break;
	}
	beast::error_code ignored;
	stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

} // namespace lockstep::net

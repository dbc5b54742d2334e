// The opening handshake of a WebSocket (RFC 6455, section 4.2), without sockets.
#pragma once

#include <boost/beast/http.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lockstep::net
{

namespace http = boost::beast::http;
using HttpRequest = http::request<http::string_body>;

/// The value of Sec-WebSocket-Accept that answers `key`.
std::string accept_key(std::string_view key);

/// Why an upgrade is refused.
struct Refusal {
	http::status status = http::status::ok;
	std::string reason; // empty: it is not
};

/// Checks the form of an upgrade request, and whether the page that it comes from may connect.
Refusal check_upgrade(const HttpRequest &request, const std::vector<std::string> &allowed_origins);

/// May a page of `origin` connect to a bridge that it addressed as `host`? Its own origin, and those allowed. A name
/// that is not loopback's must be allowed even where it is the same as Host: any site can make its own name point to
/// 127.0.0.1.
bool origin_allowed(std::string_view origin, std::string_view host, const std::vector<std::string> &allowed);

/// Does the client offer the subprotocol lockstep.v1?
bool offers_subprotocol(const HttpRequest &request);

} // namespace lockstep::net

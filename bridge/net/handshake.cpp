#include "net/handshake.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace lockstep::net
{
namespace
{

std::string lower(std::string_view text)
{
	std::string out(text);
	std::transform(out.begin(), out.end(), out.begin(),
		[](unsigned char c) { return static_cast<char>(std::tolower(c)); });
	return out;
}

std::string_view view(boost::beast::string_view text)
{
	return {text.data(), text.size()};
}

/// The name in "name:port" or "[::1]:port".
std::string host_name(const std::string &host)
{
	if (!host.empty() && host.front() == '[') {
		const std::size_t end = host.find(']');
		return end == std::string::npos ? host : host.substr(1, end - 1);
	}
	return host.substr(0, host.find(':'));
}

bool is_address_or_localhost(const std::string &name)
{
	boost::system::error_code error;
	boost::asio::ip::make_address(name, error);
	return !error || name == "localhost" || name.ends_with(".localhost");
}

/// Sixteen bytes in base64: 22 characters and two signs of padding.
bool valid_key(std::string_view key)
{
	if (key.size() != 24 || !key.ends_with("=="))
		return false;
	return std::all_of(key.begin(), key.end() - 2,
		[](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; });
}

} // namespace

std::string accept_key(std::string_view key)
{
	const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
	SHA1(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
	std::array<unsigned char, 32> encoded{};
	const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
	return {reinterpret_cast<const char *>(encoded.data()), static_cast<std::size_t>(length)};
}

bool origin_allowed(std::string_view origin, std::string_view host, const std::vector<std::string> &allowed)
{
	const std::string wanted = lower(origin);
	for (const std::string &candidate : allowed)
		if (lower(candidate) == wanted || candidate == "*")
			return true;
	const std::size_t scheme = wanted.find("://");
	if (scheme == std::string::npos) // "null": a sandboxed frame, a file
		return false;
	const std::string authority = wanted.substr(scheme + 3);
	return authority == lower(host) && is_address_or_localhost(host_name(authority));
}

Refusal check_upgrade(const HttpRequest &request, const std::vector<std::string> &allowed_origins)
{
	if (request.method() != http::verb::get || request.version() != 11)
		return {http::status::bad_request, "an upgrade must be a GET of HTTP/1.1"};
	if (!http::token_list(request[http::field::upgrade]).exists("websocket") ||
		!http::token_list(request[http::field::connection]).exists("upgrade"))
		return {http::status::upgrade_required, "this is a WebSocket endpoint"};
	if (request["Sec-WebSocket-Version"] != "13")
		return {http::status::upgrade_required, "WebSocket version 13 is needed"};
	if (!valid_key(view(request["Sec-WebSocket-Key"])))
		return {http::status::bad_request, "invalid Sec-WebSocket-Key"};
	const auto origin = request.find(http::field::origin);
	if (origin != request.end() &&
		!origin_allowed(view(origin->value()), view(request[http::field::host]), allowed_origins))
		return {http::status::forbidden, "pages of this origin may not connect (see --allow-origin)"};
	return {};
}

bool offers_subprotocol(const HttpRequest &request)
{
	return http::token_list(request["Sec-WebSocket-Protocol"]).exists("lockstep.v1");
}

} // namespace lockstep::net

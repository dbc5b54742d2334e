#pragma once

#include "net/handshake.hpp"
#include "settings/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::net
{

/// A file to send.
struct StaticFile {
	std::string path;
	std::string mime_type;
	std::string etag;
};

/// The file that `target` (the request's, still encoded) names below one of the mounts; the longest prefix wins, a
/// directory stands for its index.html. Nothing where there is none, and for whatever leaves the mount's directory
/// (by "..", or by a symbolic link).
std::optional<StaticFile> find_static(const std::vector<StaticMount> &mounts, std::string_view target);

/// Where a directory was named without its final slash, the target with it: relative links need it.
std::optional<std::string> directory_redirect(
	const std::vector<StaticMount> &mounts, std::string_view target);

std::string_view mime_type(std::string_view path);

/// Decodes %XX. Nothing where that is malformed or hides a NUL.
std::optional<std::string> decode_path(std::string_view target);

} // namespace lockstep::net

#include "net/static_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <utility>

namespace lockstep::net
{
namespace
{

namespace fs = std::filesystem;

/// The path below the mount, if `path` is the mount's prefix or below it.
std::optional<std::string> below(const StaticMount &mount, const std::string &path)
{
	if (mount.prefix == "/")
		return path;
	if (!path.starts_with(mount.prefix))
		return std::nullopt;
	const std::string rest = path.substr(mount.prefix.size());
	if (!rest.empty() && rest.front() != '/')
		return std::nullopt;
	return rest;
}

/// The canonical path of what `target` names, where it exists and lies within its mount.
std::optional<fs::path> resolve(
	const std::vector<StaticMount> &mounts, std::string_view target, std::string &path)
{
	const auto decoded = decode_path(target.substr(0, target.find_first_of("?#")));
	if (!decoded || decoded->empty() || decoded->front() != '/')
		return std::nullopt;
	path = *decoded;
	const StaticMount *best = nullptr;
	for (const StaticMount &mount : mounts)
		if (below(mount, path) && (best == nullptr || mount.prefix.size() > best->prefix.size()))
			best = &mount;
	if (best == nullptr)
		return std::nullopt;
	std::error_code error;
	const fs::path root = fs::canonical(best->directory, error);
	if (error)
		return std::nullopt;
	const fs::path found = fs::canonical(root / fs::path(*below(*best, path)).relative_path(), error);
	if (error)
		return std::nullopt;
	const auto [root_end, ignored] = std::mismatch(root.begin(), root.end(), found.begin(), found.end());
	if (root_end != root.end())
		return std::nullopt;
	return found;
}

} // namespace

std::optional<std::string> decode_path(std::string_view target)
{
	std::string out;
	for (std::size_t i = 0; i < target.size(); ++i) {
		if (target[i] != '%') {
			out += target[i];
			continue;
		}
		unsigned code = 0;
		if (i + 2 >= target.size())
			return std::nullopt;
		const auto [end, error] = std::from_chars(target.data() + i + 1, target.data() + i + 3, code, 16);
		if (error != std::errc{} || end != target.data() + i + 3 || code == 0)
			return std::nullopt;
		out += static_cast<char>(code);
		i += 2;
	}
	return out;
}

std::string_view mime_type(std::string_view path)
{
	static constexpr std::array<std::pair<std::string_view, std::string_view>, 22> types = {{
		{".d.ts", "text/plain; charset=utf-8"},
		{".html", "text/html; charset=utf-8"},
		{".htm", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".map", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".gif", "image/gif"},
		{".webp", "image/webp"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".woff", "font/woff"},
		{".wasm", "application/wasm"},
		{".csv", "text/csv; charset=utf-8"},
		{".txt", "text/plain; charset=utf-8"},
		{".md", "text/markdown; charset=utf-8"},
		{".webmanifest", "application/manifest+json"},
	}};
	for (const auto &[ending, type] : types)
		if (path.ends_with(ending))
			return type;
	return "application/octet-stream";
}

std::optional<StaticFile> find_static(const std::vector<StaticMount> &mounts, std::string_view target)
{
	std::string path;
	auto found = resolve(mounts, target, path);
	if (!found)
		return std::nullopt;
	std::error_code error;
	if (fs::is_directory(*found, error)) {
		if (!path.ends_with('/'))
			return std::nullopt;
		found =
			resolve(mounts, std::string(target.substr(0, target.find_first_of("?#"))) + "index.html", path);
		if (!found)
			return std::nullopt;
	}
	if (!fs::is_regular_file(*found, error))
		return std::nullopt;
	const auto size = fs::file_size(*found, error);
	const auto time = fs::last_write_time(*found, error);
	if (error)
		return std::nullopt;
	const auto stamp = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
	return StaticFile{found->string(), std::string(mime_type(found->native())),
		"\"" + std::to_string(size) + "-" + std::to_string(stamp) + "\""};
}

std::optional<std::string> directory_redirect(const std::vector<StaticMount> &mounts, std::string_view target)
{
	std::string path;
	const auto found = resolve(mounts, target, path);
	std::error_code error;
	// A path that begins with two slashes would lead to another host.
	if (!found || path.ends_with('/') || path.starts_with("//") || !fs::is_directory(*found, error))
		return std::nullopt;
	const std::size_t end = std::min(target.find_first_of("?#"), target.size());
	return std::string(target.substr(0, end)) + "/" + std::string(target.substr(end));
}

} // namespace lockstep::net

// What the bridge is told at start.
#pragma once

#include "base/log.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lockstep
{

struct StaticMount {
	std::string prefix;    // "/", "/app"
	std::string directory; // exists and is readable
};

struct Settings {
	std::string db;
	std::string host = "127.0.0.1";
	std::uint16_t port = 8420;
	bool public_without_authentication = false;
	std::vector<StaticMount> mounts;
	std::vector<std::string> allowed_origins;
	std::size_t shards = 1;
	std::size_t read_connections = 4;
	std::size_t write_connections = 4;
	std::size_t slow_connections = 16;
	std::chrono::seconds heartbeat{25};
	std::chrono::seconds write_timeout{30};
	std::chrono::seconds snapshot_stall{30};
	std::chrono::seconds lock_wait{30};
	std::size_t max_message_bytes = 4U << 20U;
	std::size_t max_write_bytes = 128U << 20U;
	std::size_t max_queue_bytes = 8U << 20U;
	std::size_t max_frame_bytes = 256U << 10U;
	std::size_t max_subscriptions = 1000;
	std::size_t feed_page = 2000;
	log::Level log_level = log::Level::info;
};

/// A mistake in what the bridge was told.
struct SettingsError {
	std::string message;
	std::string hint;
};

/// What to do: run, or only say something and end.
struct CommandLine {
	Settings settings;
	std::string say; // --help, --version; empty: run
};

/// Flags win over LOCKSTEP_BRIDGE_* environment variables, those over the config file, that over the defaults.
/// `environment`: name and value. Throws SettingsError.
CommandLine read_settings(const std::vector<std::string> &arguments,
	const std::vector<std::pair<std::string, std::string>> &environment);

} // namespace lockstep

#include "settings/settings.hpp"

#include "version.hpp"

#include <utility> // for asio

#include <boost/asio/ip/address.hpp>
#include <nlohmann/json.hpp>

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

namespace lockstep
{
namespace
{

/// One thing that can be set: as --name, LOCKSTEP_BRIDGE_NAME, or "name" in the config file.
struct Setting {
	const char *name;        // with underscores; a flag has dashes
	const char *placeholder; // nullptr: a switch
	bool list;               // may be given several times; one of a higher source replaces those of a lower
	const char *help;
	std::function<void(Settings &, const std::string &)> apply;
	std::function<void(Settings &)> clear = nullptr; // of a list
};

[[noreturn]] void fail(std::string message, std::string hint = {})
{
	throw SettingsError{std::move(message), std::move(hint)};
}

template <class Number> Number number(const char *name, const std::string &text, Number low, Number high)
{
	Number value{};
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
		fail("invalid value for \"" + std::string(name) + "\": \"" + text + "\"",
			"It must be a whole number from " + std::to_string(low) + " to " + std::to_string(high) + ".");
	return value;
}

bool boolean(const char *name, const std::string &text)
{
	if (text == "true" || text == "on" || text == "yes" || text == "1")
		return true;
	if (text == "false" || text == "off" || text == "no" || text == "0")
		return false;
	fail("invalid value for \"" + std::string(name) + "\": \"" + text + "\"", "It must be true or false.");
}

void apply_listen(Settings &settings, const std::string &text)
{
	const std::string hint = "Write it as address:port, for example 127.0.0.1:8420 or [::1]:8420.";
	const std::size_t colon = text.rfind(':');
	if (colon == std::string::npos || colon == 0)
		fail("invalid listen address \"" + text + "\"", hint);
	std::string host = text.substr(0, colon);
	if (host.front() == '[' && host.back() == ']')
		host = host.substr(1, host.size() - 2);
	else if (host.find(':') != std::string::npos)
		fail("invalid listen address \"" + text + "\"", hint);
	unsigned port = 0;
	const char *const end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
	if (error != std::errc{} || at != end || port > 65535 || host.empty())
		fail("invalid listen address \"" + text + "\"", hint);
	settings.host = host == "localhost" ? "127.0.0.1" : host;
	settings.port = static_cast<std::uint16_t>(port);
}

void apply_static(Settings &settings, const std::string &text)
{
	const std::size_t equals = text.find('=');
	if (equals == std::string::npos || equals == 0 || text.front() != '/' || equals + 1 == text.size())
		fail("invalid static mount \"" + text + "\"", "Write it as /prefix=DIRECTORY.");
	StaticMount mount{text.substr(0, equals), text.substr(equals + 1)};
	while (mount.prefix.size() > 1 && mount.prefix.back() == '/')
		mount.prefix.pop_back();
	std::error_code error;
	if (!std::filesystem::is_directory(mount.directory, error) ||
		::access(mount.directory.c_str(), R_OK | X_OK) != 0)
		fail("could not read directory \"" + mount.directory + "\"" + (error ? ": " + error.message() : ""));
	mount.directory = std::filesystem::canonical(mount.directory, error).string();
	settings.mounts.push_back(std::move(mount));
}

void apply_log_level(Settings &settings, const std::string &text)
{
	static const std::vector<std::pair<std::string, log::Level>> levels = {{"debug", log::Level::debug},
		{"info", log::Level::info}, {"warn", log::Level::warn}, {"error", log::Level::error}};
	for (const auto &[name, level] : levels)
		if (name == text) {
			settings.log_level = level;
			return;
		}
	fail("invalid log level \"" + text + "\"", "It must be debug, info, warn or error.");
}

template <class Member, class Number>
std::function<void(Settings &, const std::string &)> sized(
	const char *name, Member member, Number low, Number high)
{
	return [=](Settings &settings, const std::string &text) {
		settings.*member =
			static_cast<std::remove_reference_t<decltype(settings.*member)>>(number(name, text, low, high));
	};
}

const std::vector<Setting> &all_settings()
{
	using Bytes = std::uint64_t;
	static const std::vector<Setting> settings = {
		{"db", "CONNINFO", false,
			"the database, as libpq takes it: \"host=… dbname=… user=…\" or postgresql://…",
			[](Settings &s, const std::string &text) { s.db = text; }},
		{"listen", "ADDRESS:PORT", false, "where to serve (127.0.0.1:8420); port 0 picks a free one",
			apply_listen},
		{"listen_public_without_authentication", nullptr, false,
			"allow an address that others can reach, though this version asks nobody who he is",
			[](Settings &s, const std::string &text) {
				s.public_without_authentication = boolean("listen_public_without_authentication", text);
			}},
		{"static", "/PREFIX=DIR", true, "serve the files of a directory", apply_static,
			[](Settings &s) { s.mounts.clear(); }},
		{"allow_origin", "ORIGIN", true, "let pages of this origin connect, as in https://app.example.org",
			[](Settings &s, const std::string &text) { s.allowed_origins.push_back(text); },
			[](Settings &s) { s.allowed_origins.clear(); }},
		{"shards", "N", false, "threads that serve clients (1)",
			sized("shards", &Settings::shards, Bytes{1}, Bytes{64})},
		{"read_connections", "N", false, "database connections for snapshots and catching up, at most (4)",
			sized("read_connections", &Settings::read_connections, Bytes{1}, Bytes{200})},
		{"write_connections", "N", false, "database connections for writes, at most (4)",
			sized("write_connections", &Settings::write_connections, Bytes{1}, Bytes{200})},
		{"slow_connections", "N", false,
			"more of them, at most, for snapshots that wait for a client to take what it was sent (16)",
			sized("slow_connections", &Settings::slow_connections, Bytes{0}, Bytes{200})},
		{"heartbeat_seconds", "N", false, "how often clients are pinged; one silent for two is closed (25)",
			[](Settings &s, const std::string &text) {
				s.heartbeat = std::chrono::seconds(number("heartbeat_seconds", text, 1, 3600));
			}},
		{"write_timeout_seconds", "N", false, "how long a statement of a write may take (30)",
			[](Settings &s, const std::string &text) {
				s.write_timeout = std::chrono::seconds(number("write_timeout_seconds", text, 1, 3600));
			}},
		{"snapshot_stall_seconds", "N", false,
			"how long a client may take nothing of its snapshot before it is closed (30)",
			[](Settings &s, const std::string &text) {
				s.snapshot_stall = std::chrono::seconds(number("snapshot_stall_seconds", text, 1, 3600));
			}},
		{"lock_wait_seconds", "N", false,
			"how long a subscribe waits for a table that is locked, before it is refused (30)",
			[](Settings &s, const std::string &text) {
				s.lock_wait = std::chrono::seconds(number("lock_wait_seconds", text, 1, 3600));
			}},
		{"max_message_bytes", "N", false, "largest message that a client may send (4194304)",
			sized("max_message_bytes", &Settings::max_message_bytes, Bytes{1024}, Bytes{1} << 30U)},
		{"max_write_bytes", "N", false,
			"what a client's writes that come in pieces may take until they are whole (134217728)",
			sized("max_write_bytes", &Settings::max_write_bytes, Bytes{1024}, Bytes{1} << 34U)},
		{"max_queue_bytes", "N", false,
			"what may wait for a slow client before it is caught up later (8388608)",
			sized("max_queue_bytes", &Settings::max_queue_bytes, Bytes{16384}, Bytes{1} << 32U)},
		{"max_frame_bytes", "N", false, "size from which a transaction is sent in several frames (262144)",
			sized("max_frame_bytes", &Settings::max_frame_bytes, Bytes{4096}, Bytes{1} << 28U)},
		{"max_subscriptions", "N", false, "subscriptions of one client, at most (1000)",
			sized("max_subscriptions", &Settings::max_subscriptions, Bytes{1}, Bytes{1000000})},
		{"feed_page", "N", false, "changes that are read from the log at once, whole transactions (2000)",
			sized("feed_page", &Settings::feed_page, Bytes{1}, Bytes{1000000})},
		{"log_level", "LEVEL", false, "debug, info, warn or error (info)", apply_log_level},
	};
	return settings;
}

const Setting *find_setting(const std::string &name)
{
	for (const Setting &setting : all_settings())
		if (name == setting.name)
			return &setting;
	return nullptr;
}

std::string flag_name(std::string name)
{
	std::replace(name.begin(), name.end(), '_', '-');
	return "--" + name;
}

std::string help_text()
{
	std::string out =
		"lockstep-bridge: sends every change of tracked PostgreSQL tables to browsers\n\n"
		"Usage: lockstep-bridge --db CONNINFO [--listen 127.0.0.1:8420] [options]\n\nOptions:\n";
	auto line = [&out](std::string flag, const char *help) {
		flag.resize(std::max<std::size_t>(flag.size() + 2, 44), ' ');
		out += "  " + flag + help + "\n";
	};
	for (const Setting &setting : all_settings())
		line(flag_name(setting.name) + (setting.placeholder ? std::string(" ") + setting.placeholder : ""),
			setting.help);
	line("--config FILE", "settings as JSON: {\"listen\": \"127.0.0.1:8420\", …}, names with underscores");
	line("--version", "say the version");
	line("--help", "say this");
	out += "\nEach option can be set in the environment too, as in LOCKSTEP_BRIDGE_MAX_QUEUE_BYTES.\n"
		   "Flags win over the environment, that over the config file. More: docs/configuration.md\n";
	return out;
}

/// The values that one source gives, in order.
using Values = std::vector<std::pair<const Setting *, std::string>>;

Values from_config(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		fail("could not open config file \"" + path + "\": " + std::strerror(errno));
	nlohmann::json config;
	try {
		config = nlohmann::json::parse(file);
	} catch (const nlohmann::json::parse_error &error) {
		fail("config file \"" + path + "\" is not well-formed JSON", error.what());
	}
	if (!config.is_object())
		fail("config file \"" + path + "\" must hold a JSON object");
	Values values;
	for (const auto &item : config.items()) {
		const std::string &name = item.key();
		const nlohmann::json &value = item.value();
		const Setting *setting = find_setting(name);
		if (setting == nullptr)
			fail("unknown setting \"" + name + "\" in config file \"" + path + "\"",
				"See lockstep-bridge --help.");
		auto add = [&](const nlohmann::json &one) {
			if (one.is_structured() || one.is_null())
				fail("invalid value for \"" + name + "\" in config file \"" + path + "\"");
			values.emplace_back(setting, one.is_string() ? one.get<std::string>() : one.dump());
		};
		if (setting->list && value.is_array())
			for (const nlohmann::json &one : value)
				add(one);
		else
			add(value);
	}
	return values;
}

Values from_environment(
	const std::vector<std::pair<std::string, std::string>> &environment, std::optional<std::string> &config)
{
	static const std::string prefix = "LOCKSTEP_BRIDGE_";
	Values values;
	for (const auto &[variable, value] : environment) {
		if (variable.compare(0, prefix.size(), prefix) != 0)
			continue;
		std::string name = variable.substr(prefix.size());
		std::transform(name.begin(), name.end(), name.begin(),
			[](unsigned char c) { return static_cast<char>(std::tolower(c)); });
		if (name == "config") {
			config = value;
			continue;
		}
		const Setting *setting = find_setting(name);
		if (setting == nullptr)
			fail("unknown setting in environment variable " + variable, "See lockstep-bridge --help.");
		if (!setting->list) {
			values.emplace_back(setting, value);
			continue;
		}
		std::size_t begin = 0; // a list: separated by commas
		while (begin <= value.size()) {
			const std::size_t end = std::min(value.find(',', begin), value.size());
			if (end > begin)
				values.emplace_back(setting, value.substr(begin, end - begin));
			begin = end + 1;
		}
	}
	return values;
}

Values from_flags(
	const std::vector<std::string> &arguments, std::optional<std::string> &config, std::string &say)
{
	Values values;
	for (std::size_t i = 0; i < arguments.size(); ++i) {
		std::string flag = arguments[i];
		std::optional<std::string> value;
		if (const std::size_t equals = flag.find('=');
			equals != std::string::npos && flag.rfind("--", 0) == 0) {
			value = flag.substr(equals + 1);
			flag.resize(equals);
		}
		if (flag == "--help" || flag == "-h") {
			say = help_text();
			continue;
		}
		if (flag == "--version") {
			say = "lockstep-bridge " LOCKSTEP_VERSION "\n";
			continue;
		}
		const Setting *setting = nullptr;
		for (const Setting &candidate : all_settings())
			if (flag_name(candidate.name) == flag)
				setting = &candidate;
		const bool is_config = flag == "--config";
		if (setting == nullptr && !is_config)
			fail("unknown option \"" + flag + "\"", "See lockstep-bridge --help.");
		const bool is_switch = setting != nullptr && setting->placeholder == nullptr;
		if (is_switch && !value)
			value = "true";
		if (!value) {
			if (i + 1 == arguments.size())
				fail("option \"" + flag + "\" needs a value", "See lockstep-bridge --help.");
			value = arguments[++i];
		}
		if (is_config)
			config = *value;
		else
			values.emplace_back(setting, *value);
	}
	return values;
}

void apply_values(Settings &settings, const Values &values)
{
	std::vector<const Setting *> cleared;
	for (const auto &[setting, value] : values) {
		if (setting->list && std::find(cleared.begin(), cleared.end(), setting) == cleared.end()) {
			setting->clear(settings);
			cleared.push_back(setting);
		}
		setting->apply(settings, value);
	}
}

/// What libpq cannot make sense of will not get better by trying again. (A text without "=" is a database's name.)
void check_conninfo(const std::string &conninfo)
{
	if (conninfo.find('=') == std::string::npos && conninfo.find("://") == std::string::npos)
		return;
	char *problem = nullptr;
	PQconninfoOption *const options = PQconninfoParse(conninfo.c_str(), &problem);
	const std::string text = problem != nullptr ? problem : "out of memory";
	PQfreemem(problem);
	if (options == nullptr)
		fail("invalid connection string in \"db\": " + text.substr(0, text.find('\n')));
	PQconninfoFree(options);
}

void check(const Settings &settings)
{
	if (settings.db.empty())
		fail(
			"no database given", "Start it with --db \"host=… dbname=… user=…\", or set LOCKSTEP_BRIDGE_DB.");
	check_conninfo(settings.db);
	boost::system::error_code error;
	const auto address = boost::asio::ip::make_address(settings.host, error);
	if (error)
		fail("invalid listen address \"" + settings.host + "\"", "Give an IP address, not a name.");
	if (!address.is_loopback() && !settings.public_without_authentication)
		fail("refusing to listen on " + settings.host + ", which others can reach",
			"This version asks nobody who he is: whoever reaches it reads and writes with the bridge's "
			"rights. Listen on "
			"127.0.0.1, or say --listen-public-without-authentication.");
}

} // namespace

CommandLine read_settings(const std::vector<std::string> &arguments,
	const std::vector<std::pair<std::string, std::string>> &environment)
{
	CommandLine result;
	std::optional<std::string> config;
	const Values environment_values = from_environment(environment, config);
	const Values flag_values = from_flags(arguments, config, result.say);
	if (!result.say.empty())
		return result;
	if (config)
		apply_values(result.settings, from_config(*config));
	apply_values(result.settings, environment_values);
	apply_values(result.settings, flag_values);
	check(result.settings);
	return result;
}

} // namespace lockstep

#include "settings/settings.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace lockstep
{
namespace
{

using Environment = std::vector<std::pair<std::string, std::string>>;

Settings settings(std::vector<std::string> flags, const Environment &environment = {})
{
	flags.insert(flags.begin(), {"--db", "dbname=x"});
	return read_settings(flags, environment).settings;
}

std::string complaint(const std::vector<std::string> &flags, const Environment &environment = {})
{
	try {
		settings(flags, environment);
	} catch (const SettingsError &error) {
		return error.message;
	}
	return "";
}

/// A file that is gone after the test.
class TemporaryFile {
public:
	explicit TemporaryFile(const std::string &content)
		: path_(std::filesystem::temp_directory_path() / "lockstep-XXXXXX")
	{
		std::string name = path_.string();
		const int descriptor = mkstemp(name.data());
		path_ = name;
		std::ofstream(path_) << content;
		::close(descriptor);
	}
	~TemporaryFile() { std::filesystem::remove(path_); }
	std::string path() const { return path_.string(); }

private:
	std::filesystem::path path_;
};

TEST(Settings, have_defaults)
{
	const Settings s = settings({});
	EXPECT_EQ(s.host, "127.0.0.1");
	EXPECT_EQ(s.port, 8420);
	EXPECT_EQ(s.heartbeat.count(), 25);
	EXPECT_EQ(s.max_message_bytes, 4U << 20U);
	EXPECT_EQ(s.max_queue_bytes, 8U << 20U);
}

TEST(Settings, flags_win_over_environment_and_that_over_the_file)
{
	const TemporaryFile file(R"({"listen": "127.0.0.1:1", "shards": 2, "heartbeat_seconds": 7})");
	const Environment environment = {
		{"LOCKSTEP_BRIDGE_LISTEN", "127.0.0.1:2"}, {"LOCKSTEP_BRIDGE_SHARDS", "3"}, {"HOME", "/"}};
	const Settings s = settings({"--config", file.path(), "--listen=127.0.0.1:3"}, environment);
	EXPECT_EQ(s.port, 3);
	EXPECT_EQ(s.shards, 3U);
	EXPECT_EQ(s.heartbeat.count(), 7);
}

TEST(Settings, lists_may_be_repeated_and_replace_those_of_lower_sources)
{
	const TemporaryFile file(R"({"allow_origin": ["https://a", "https://b"]})");
	EXPECT_EQ(settings({"--config", file.path()}).allowed_origins,
		(std::vector<std::string>{"https://a", "https://b"}));
	EXPECT_EQ(settings({"--config", file.path(), "--allow-origin", "https://c"}).allowed_origins,
		std::vector<std::string>{"https://c"});
	EXPECT_EQ(
		settings({}, {{"LOCKSTEP_BRIDGE_ALLOW_ORIGIN", "https://a,https://b"}}).allowed_origins.size(), 2U);
	EXPECT_EQ(settings({"--static", "/=/tmp", "--static", "/x/=/"}).mounts.at(1).prefix, "/x");
}

TEST(Settings, say_what_is_wrong)
{
	EXPECT_EQ(complaint({"--nonsense"}), "unknown option \"--nonsense\"");
	EXPECT_EQ(complaint({"--listen"}), "option \"--listen\" needs a value");
	EXPECT_EQ(complaint({}, {{"LOCKSTEP_BRIDGE_LISTN", "x"}}),
		"unknown setting in environment variable LOCKSTEP_BRIDGE_LISTN");
	for (const char *address :
		{"8420", "localhost", "127.0.0.1:", "127.0.0.1:99999", ":80", "::1:80", "127.0.0.1:80x"})
		EXPECT_EQ(complaint({"--listen", address}), std::string("invalid listen address \"") + address + "\"")
			<< address;
	EXPECT_EQ(complaint({"--listen", "example.org:80"}), "invalid listen address \"example.org\"");
	EXPECT_EQ(complaint({"--db", "hots=x"}),
		"invalid connection string in \"db\": invalid connection option \"hots\"");
	EXPECT_EQ(complaint({"--db", "shop"}), "");
	EXPECT_EQ(complaint({"--shards", "0"}), "invalid value for \"shards\": \"0\"");
	EXPECT_EQ(complaint({"--heartbeat-seconds", "1e3"}), "invalid value for \"heartbeat_seconds\": \"1e3\"");
	EXPECT_EQ(complaint({"--log-level", "loud"}), "invalid log level \"loud\"");
	EXPECT_EQ(complaint({"--static", "tmp"}), "invalid static mount \"tmp\"");
	EXPECT_EQ(complaint({"--static", "/=/does/not/exist"}).substr(0, 42),
		"could not read directory \"/does/not/exist\"");
	EXPECT_EQ(complaint({"--config", "/does/not/exist"}).substr(0, 41),
		"could not open config file \"/does/not/exi");
}

TEST(Settings, config_files_are_checked)
{
	auto problem = [](const std::string &content) {
		const TemporaryFile file(content);
		std::string text = complaint({"--config", file.path()});
		const std::size_t at = text.find(file.path());
		return at == std::string::npos ? text : text.replace(at, file.path().size(), "FILE");
	};
	EXPECT_EQ(problem("{"), "config file \"FILE\" is not well-formed JSON");
	EXPECT_EQ(problem("[]"), "config file \"FILE\" must hold a JSON object");
	EXPECT_EQ(problem(R"({"lisen": "x"})"), "unknown setting \"lisen\" in config file \"FILE\"");
	EXPECT_EQ(problem(R"({"listen": {}})"), "invalid value for \"listen\" in config file \"FILE\"");
	EXPECT_EQ(problem(R"({"shards": "many"})"), "invalid value for \"shards\": \"many\"");
	EXPECT_EQ(problem(R"({"listen_public_without_authentication": true, "listen": "0.0.0.0:1"})"), "");
}

TEST(Settings, refuse_an_address_that_others_can_reach_unless_told_so)
{
	EXPECT_EQ(complaint({"--listen", "0.0.0.0:80"}), "refusing to listen on 0.0.0.0, which others can reach");
	EXPECT_EQ(complaint({"--listen", "[::]:80"}), "refusing to listen on ::, which others can reach");
	EXPECT_EQ(complaint({"--listen", "0.0.0.0:80", "--listen-public-without-authentication"}), "");
	EXPECT_EQ(settings({"--listen", "[::1]:80"}).host, "::1");
	EXPECT_EQ(settings({"--listen", "localhost:80"}).host, "127.0.0.1");
}

TEST(Settings, need_a_database)
{
	EXPECT_THROW(read_settings({}, {}), SettingsError);
	EXPECT_EQ(read_settings({}, {{"LOCKSTEP_BRIDGE_DB", "dbname=y"}}).settings.db, "dbname=y");
}

TEST(Settings, help_names_every_option_and_needs_no_database)
{
	const std::string help = read_settings({"--help"}, {}).say;
	for (const char *option : {"--db", "--listen", "--static", "--config", "--max-queue-bytes",
			 "--listen-public-without-authentication"})
		EXPECT_NE(help.find(option), std::string::npos) << option;
	EXPECT_EQ(read_settings({"--version"}, {}).say.substr(0, 16), "lockstep-bridge ");
}

} // namespace
} // namespace lockstep

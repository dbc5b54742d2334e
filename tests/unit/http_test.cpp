// The upgrade's handshake, and which files are served.
#include "base/metrics.hpp"
#include "feed/batch.hpp"
#include "net/handshake.hpp"
#include "net/static_files.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lockstep::net
{
namespace
{

namespace fs = std::filesystem;

HttpRequest upgrade_request()
{
	HttpRequest request(http::verb::get, "/v1/socket", 11);
	request.set(http::field::host, "127.0.0.1:8420");
	request.set(http::field::upgrade, "WebSocket");
	request.set(http::field::connection, "keep-alive, Upgrade");
	request.set("Sec-WebSocket-Version", "13");
	request.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
	return request;
}

TEST(Handshake, answers_the_key_of_the_standard)
{
	EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, takes_a_proper_upgrade_only)
{
	EXPECT_EQ(check_upgrade(upgrade_request(), {}).reason, "");
	HttpRequest request = upgrade_request();
	request.method(http::verb::post);
	EXPECT_EQ(check_upgrade(request, {}).status, http::status::bad_request);
	request = upgrade_request();
	request.erase(http::field::upgrade);
	EXPECT_EQ(check_upgrade(request, {}).status, http::status::upgrade_required);
	request = upgrade_request();
	request.set("Sec-WebSocket-Version", "8");
	EXPECT_EQ(check_upgrade(request, {}).status, http::status::upgrade_required);
	request = upgrade_request();
	request.set("Sec-WebSocket-Key", "short");
	EXPECT_EQ(check_upgrade(request, {}).status, http::status::bad_request);
	request = upgrade_request();
	request.set(http::field::origin, "https://evil.example");
	EXPECT_EQ(check_upgrade(request, {}).status, http::status::forbidden);
	EXPECT_EQ(check_upgrade(request, {"https://evil.example"}).reason, "");
}

TEST(Origin, must_be_the_hosts_own_or_allowed)
{
	EXPECT_TRUE(origin_allowed("http://127.0.0.1:8420", "127.0.0.1:8420", {}));
	EXPECT_TRUE(origin_allowed("http://localhost:8420", "LOCALHOST:8420", {}));
	EXPECT_TRUE(origin_allowed("http://[::1]:8420", "[::1]:8420", {}));
	EXPECT_FALSE(origin_allowed("http://127.0.0.1:3000", "127.0.0.1:8420", {}));
	EXPECT_FALSE(origin_allowed("null", "127.0.0.1:8420", {}));
	EXPECT_FALSE(origin_allowed("http://localhost.evil.example:8420", "127.0.0.1:8420", {}));
	EXPECT_TRUE(origin_allowed("https://App.example", "127.0.0.1:8420", {"https://app.example"}));
}

TEST(Origin, a_foreign_name_that_points_to_loopback_is_not_trusted)
{
	EXPECT_FALSE(origin_allowed("http://evil.example:8420", "evil.example:8420", {}));
	EXPECT_TRUE(
		origin_allowed("http://evil.example:8420", "evil.example:8420", {"http://evil.example:8420"}));
}

/// A directory of files, gone after the test.
class StaticFiles : public testing::Test {
protected:
	StaticFiles()
	{
		std::string name = (fs::temp_directory_path() / "lockstep-static-XXXXXX").string();
		base_ = mkdtemp(name.data());
		fs::create_directories(base_ / "www/sub dir");
		fs::create_directories(base_ / "lib");
		write("www/index.html", "front");
		write("www/sub dir/index.html", "sub");
		write("www/app.js", "js");
		write("lib/lib.mjs", "mjs");
		write("secret", "secret");
		fs::create_symlink(base_ / "secret", base_ / "www/link");
		mounts_ = {{"/", (base_ / "www").string()}, {"/lib", (base_ / "lib").string()}};
	}
	~StaticFiles() override { fs::remove_all(base_); }

	void write(const std::string &name, const std::string &text) { std::ofstream(base_ / name) << text; }
	std::string found(const std::string &target)
	{
		const auto file = find_static(mounts_, target);
		return file ? fs::relative(file->path, fs::canonical(base_)).string() : "";
	}

	fs::path base_;
	std::vector<StaticMount> mounts_;
};

TEST_F(StaticFiles, are_found_below_their_mount)
{
	EXPECT_EQ(found("/"), "www/index.html");
	EXPECT_EQ(found("/app.js?v=1"), "www/app.js");
	EXPECT_EQ(found("/sub%20dir/"), "www/sub dir/index.html");
	EXPECT_EQ(found("/lib/lib.mjs"), "lib/lib.mjs");
	EXPECT_EQ(found("/library"), "");
	EXPECT_EQ(found("/nothing"), "");
	EXPECT_EQ(directory_redirect(mounts_, "/sub%20dir?x=1"), "/sub%20dir/?x=1");
	EXPECT_FALSE(directory_redirect(mounts_, "/"));
}

TEST_F(StaticFiles, never_lie_outside_of_it)
{
	for (const char *target :
		{"/../secret", "/%2e%2e/secret", "/..%2fsecret", "/sub%20dir/../../secret", "/lib/../../secret",
			"/link", "/lib/../secret", "//etc/passwd", "/%00", "/%zz", "/app.js%", "secret", ""})
		EXPECT_EQ(found(target), "") << target;
}

TEST_F(StaticFiles, change_their_tag_when_they_change)
{
	const auto before = find_static(mounts_, "/app.js");
	write("www/app.js", "longer");
	EXPECT_NE(find_static(mounts_, "/app.js")->etag, before->etag);
}

TEST(MimeType, browsers_get_what_they_insist_on)
{
	EXPECT_EQ(mime_type("/a/b.js"), "text/javascript; charset=utf-8");
	EXPECT_EQ(mime_type("b.mjs"), "text/javascript; charset=utf-8");
	EXPECT_EQ(mime_type("b.css"), "text/css; charset=utf-8");
	EXPECT_EQ(mime_type("b.svg"), "image/svg+xml");
	EXPECT_EQ(mime_type("b.d.ts"), "text/plain; charset=utf-8");
	EXPECT_EQ(mime_type("b"), "application/octet-stream");
}

TEST(Metrics, are_in_the_text_form_of_prometheus)
{
	Metrics metrics;
	metrics.count_error("LS001");
	metrics.count_error("LS001");
	metrics.feed_lag.observe(0.003);
	metrics.feed_lag.observe(99);
	const std::string text = metrics.text();
	EXPECT_NE(text.find("lockstep_bridge_errors_total{code=\"LS001\"} 2\n"), std::string::npos);
	EXPECT_NE(text.find("lockstep_bridge_feed_lag_seconds_bucket{le=\"0.0025\"} 0\n"), std::string::npos);
	EXPECT_NE(text.find("lockstep_bridge_feed_lag_seconds_bucket{le=\"0.005\"} 1\n"), std::string::npos);
	EXPECT_NE(text.find("lockstep_bridge_feed_lag_seconds_bucket{le=\"+Inf\"} 2\n"), std::string::npos);
	EXPECT_NE(
		text.find("# TYPE lockstep_bridge_clients gauge\nlockstep_bridge_clients 0\n"), std::string::npos);
}

TEST(IsoTimestamp, has_microseconds_and_a_z)
{
	EXPECT_EQ(feed::iso_timestamp("2026-11-20 10:00:00+00"), "2026-11-20T10:00:00.000000Z");
	EXPECT_EQ(feed::iso_timestamp("2026-11-20 10:00:00.12+00"), "2026-11-20T10:00:00.120000Z");
	EXPECT_EQ(feed::iso_timestamp("2026-11-20 10:00:00.123456+00"), "2026-11-20T10:00:00.123456Z");
}

} // namespace
} // namespace lockstep::net

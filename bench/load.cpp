// load: N subscribers and a writer; measures the time from just before an UPDATE is sent to its receipt by each of them.
//
//   load --db CONNINFO --port PORT --table NAME --clients N --rate N --seconds N [--warmup N]
//
// The table has the columns id (1 to 100) and sent_ns. The writer puts CLOCK_MONOTONIC into sent_ns; a receiver on the
// same machine subtracts. So the figure holds everything: statement, trigger, commit, doorbell, reading, fan-out, and this
// program's own turn on the CPU. Prints one line of JSON.

#include "connection.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <libpq-fe.h>
#include <map>
#include <memory>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace lockstep::bench;

namespace
{

struct Options {
	std::string db;
	Target target;
	std::size_t clients = 1000;
	double rate = 100;
	double seconds = 20;
	double warmup = 3;
};

[[noreturn]] void die(const std::string &message)
{
	std::fprintf(stderr, "load: %s\n", message.c_str());
	std::exit(1);
}

std::int64_t now_ns()
{
	timespec time{};
	clock_gettime(CLOCK_MONOTONIC, &time);
	return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

double number(const std::string &name, const std::string &text)
{
	double value = 0;
	const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (problem != std::errc{} || end != text.data() + text.size() || value <= 0)
		die("invalid value for " + name + ": \"" + text + "\"");
	return value;
}

Options parse(int argc, char **argv)
{
	std::map<std::string, std::string> given;
	for (int i = 1; i + 1 < argc; i += 2)
		given[argv[i]] = argv[i + 1];
	if (argc % 2 == 0)
		die("each option needs a value");
	Options options;
	for (const auto &[name, value] : given) {
		if (name == "--db")
			options.db = value;
		else if (name == "--table")
			options.target.table = value;
		else if (name == "--port")
			options.target.port = static_cast<std::uint16_t>(number(name, value));
		else if (name == "--clients")
			options.clients = static_cast<std::size_t>(number(name, value));
		else if (name == "--rate")
			options.rate = number(name, value);
		else if (name == "--seconds")
			options.seconds = number(name, value);
		else if (name == "--warmup")
			options.warmup = number(name, value);
		else
			die("unknown option " + name);
	}
	if (options.db.empty() || options.target.table.empty() || options.target.port == 0)
		die("--db, --table and --port are needed");
	return options;
}

void raise_descriptor_limit(std::size_t clients)
{
	rlimit limit{};
	getrlimit(RLIMIT_NOFILE, &limit);
	const rlim_t wanted = clients + 64;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
		die(std::to_string(clients) + " clients need " + std::to_string(wanted) +
			" file descriptors, the hard limit is " + std::to_string(limit.rlim_max) + " (ulimit -Hn)");
	limit.rlim_cur = std::max(limit.rlim_cur, wanted);
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("could not raise the limit of file descriptors");
}

/// What the writer did. Others read it once `done` is set; `start_ns` and `first_measured_ns` are set before it starts.
struct Written {
	std::int64_t start_ns = 0;
	std::int64_t first_measured_ns = 0; // changes stamped before are warm-up
	std::uint64_t measured = 0;
	double worst_lag_ms = 0; // how late an UPDATE was sent against its schedule
	std::int64_t duration_ns = 0;
	std::vector<std::uint32_t> commit_us; // from stamp to COMMIT's answer
	std::string error;
	std::atomic<bool> done = false;
};

void write_changes(const Options &options, Written &written)
{
	const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(options.db.c_str()), PQfinish);
	const auto give_up = [&](const std::string &why) {
		written.error = why;
		written.done = true;
	};
	if (PQstatus(connection.get()) != CONNECTION_OK)
		return give_up(PQerrorMessage(connection.get()));
	const std::string statement = "UPDATE " + options.target.table + " SET sent_ns = $1 WHERE id = $2";
	PQclear(PQprepare(connection.get(), "change", statement.c_str(), 2, nullptr));

	const auto period_ns = static_cast<std::int64_t>(1e9 / options.rate);
	const std::int64_t start = written.start_ns;
	const std::int64_t end = written.first_measured_ns + static_cast<std::int64_t>(options.seconds * 1e9);
	std::int64_t last = start;
	for (std::int64_t due = start; due < end; due += period_ns) {
		timespec until{.tv_sec = due / 1'000'000'000, .tv_nsec = due % 1'000'000'000};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
		}
		const std::int64_t stamp = now_ns();
		const std::string sent = std::to_string(stamp);
		const std::string id = std::to_string((due - start) / period_ns % 100 + 1);
		const char *values[] = {sent.c_str(), id.c_str()};
		PGresult *result = PQexecPrepared(connection.get(), "change", 2, values, nullptr, nullptr, 0);
		const bool changed =
			PQresultStatus(result) == PGRES_COMMAND_OK && std::string_view(PQcmdTuples(result)) == "1";
		PQclear(result);
		if (!changed)
			return give_up(std::string("an UPDATE failed: ") + PQerrorMessage(connection.get()));
		last = now_ns();
		if (stamp < written.first_measured_ns)
			continue;
		++written.measured;
		written.commit_us.push_back(static_cast<std::uint32_t>((last - stamp) / 1000));
		written.worst_lag_ms = std::max(written.worst_lag_ms, static_cast<double>(stamp - due) / 1e6);
	}
	written.duration_ns = last - written.first_measured_ns;
	written.done = true;
}

class Load {
public:
	explicit Load(const Options &options)
		: options_(options), connections_(options.clients), epoll_(epoll_create1(EPOLL_CLOEXEC))
	{
	}
	~Load() { close(epoll_); }
	Load(const Load &) = delete;
	Load &operator=(const Load &) = delete;

	void connect_all()
	{
		// A bounded number at a time: the listen queue is short.
		std::size_t opened = 0;
		while (live_ < options_.clients) {
			while (opened < options_.clients && opened - live_ < 64)
				open(opened++);
			poll(10'000, "no answer from the bridge for 10 s while connecting");
		}
	}

	/// Receives until each client has `expected()` changes (known when the writer is done), or nothing comes for 10 s.
	void receive(const Written &written)
	{
		std::int64_t quiet_since = 0;
		while (!written.done || received_ < written.measured * options_.clients) {
			const bool something = poll(100, nullptr, written.first_measured_ns);
			if (something || !written.done)
				quiet_since = 0;
			else if (quiet_since == 0)
				quiet_since = now_ns();
			else if (now_ns() - quiet_since > 10'000'000'000)
				return;
		}
	}

	void report(const Written &written)
	{
		std::sort(latencies_us_.begin(), latencies_us_.end());
		auto commits = written.commit_us;
		std::sort(commits.begin(), commits.end());
		const auto expected = written.measured * options_.clients;
		std::printf("{\"clients\":%zu,\"rate\":%g,\"achieved_rate\":%.1f,\"seconds\":%g,\"changes\":%llu,"
					"\"deliveries\":%llu,"
					"\"missing\":%lld,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,\"max_"
					"ms\":%.2f,"
					"\"commit_p50_ms\":%.2f,\"commit_p99_ms\":%.2f,\"writer_late_ms\":%.2f}\n",
			options_.clients, options_.rate,
			static_cast<double>(written.measured) / (static_cast<double>(written.duration_ns) / 1e9),
			options_.seconds, static_cast<unsigned long long>(written.measured),
			static_cast<unsigned long long>(received_),
			static_cast<long long>(expected) - static_cast<long long>(received_), quantile(latencies_us_, .5),
			quantile(latencies_us_, .9), quantile(latencies_us_, .99), quantile(latencies_us_, .999),
			quantile(latencies_us_, 1), quantile(commits, .5), quantile(commits, .99), written.worst_lag_ms);
	}

	bool complete(const Written &written) const { return received_ == written.measured * options_.clients; }

private:
	static double quantile(const std::vector<std::uint32_t> &sorted, double q)
	{
		if (sorted.empty())
			return 0;
		return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))] / 1000.0;
	}

	void open(std::size_t index)
	{
		auto connection = std::make_unique<Connection>();
		if (connection->open(options_.target, index) < 0)
			die(connection->error());
		epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = connection.get()}};
		if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->socket(), &event) != 0)
			die("could not watch a socket");
		connections_[index] = std::move(connection);
	}

	bool poll(int timeout_ms, const char *complaint, std::int64_t first_measured_ns = 0)
	{
		epoll_event events[512];
		const int count = epoll_wait(epoll_, events, 512, timeout_ms);
		if (count == 0 && complaint)
			die(complaint);
		for (int i = 0; i < count; ++i) {
			auto &connection = *static_cast<Connection *>(events[i].data.ptr);
			const bool was_live = connection.stage() == Connection::Stage::live;
			bool alive = true;
			if ((events[i].events & EPOLLOUT) && connection.wants_write())
				alive = connection.on_writable();
			if (alive && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
				alive = connection.on_readable(
					[&](std::string_view message) { count_changes(message, first_measured_ns); });
			if (!alive)
				die("a client lost its connection: " + connection.error());
			live_ += !was_live && connection.stage() == Connection::Stage::live;
		}
		return count > 0;
	}

	/// Each change of `message` has one "row", and that one sent_ns; "old" may have another.
	void count_changes(std::string_view message, std::int64_t first_measured_ns)
	{
		constexpr std::string_view row = "\"row\":{", stamp = "\"sent_ns\":";
		const std::int64_t now = now_ns();
		std::size_t at = 0;
		while ((at = message.find(row, at)) != std::string_view::npos) {
			at = message.find(stamp, at);
			if (at == std::string_view::npos)
				die("a change without sent_ns: " + std::string(message.substr(0, 500)));
			at += stamp.size();
			while (at < message.size() && message[at] == ' ')
				++at;
			std::int64_t sent = 0;
			if (std::from_chars(message.data() + at, message.data() + message.size(), sent).ec != std::errc{})
				die("unreadable sent_ns: " + std::string(message.substr(at, 50)));
			if (sent < first_measured_ns)
				continue;
			++received_;
			latencies_us_.push_back(static_cast<std::uint32_t>((now - sent) / 1000));
		}
	}

	const Options &options_;
	std::vector<std::unique_ptr<Connection>> connections_;
	int epoll_;
	std::size_t live_ = 0;
	std::uint64_t received_ = 0;
	std::vector<std::uint32_t> latencies_us_;
};

} // namespace

int main(int argc, char **argv)
{
	const Options options = parse(argc, argv);
	raise_descriptor_limit(options.clients);
	Load load(options);
	load.connect_all();
	std::fprintf(stderr, "load: %zu clients are live\n", options.clients);
	Written written;
	written.start_ns = now_ns();
	written.first_measured_ns = written.start_ns + static_cast<std::int64_t>(options.warmup * 1e9);
	std::thread writer([&] { write_changes(options, written); });
	load.receive(written);
	writer.join();
	if (!written.error.empty())
		die(written.error);
	load.report(written);
	return load.complete(written) ? 0 : 1;
}

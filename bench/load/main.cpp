// bench-load: clients and writers for the measurements in bench/, see bench/README.md.
//
//   bench-load latency  --db CONNINFO --port N --table NAME --clients N --rate CHANGES/S --seconds N [--writers N]
//   bench-load saturate --db CONNINFO --port N --table NAME --clients N --window CHANGES --seconds N [--writers N]
//   bench-load idle     --port N --table NAME --clients N             until its input ends
//   bench-load read     --db CONNINFO --statement SQL --since PLACE --place-column NAME
//
// latency and saturate also take --warmup SECONDS (3), --threads N (1), and --changes N (1), the changes of a transaction.
// Prints events, a line of JSON each; the last one is the result. Exit code 1: something went wrong, or changes are missing.

#include "clock.hpp"
#include "log_reader.hpp"
#include "options.hpp"
#include "reader_loop.hpp"
#include "writer.hpp"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

using namespace lockstep::bench;

namespace
{

using nlohmann::ordered_json;

[[noreturn]] void die(const std::string &message)
{
	std::fprintf(stderr, "bench-load: %s\n", message.c_str());
	std::_Exit(1); // threads may be at work
}

void print(const ordered_json &event)
{
	std::printf("%s\n", event.dump().c_str());
	std::fflush(stdout);
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

using Loops = std::vector<std::unique_ptr<ReaderLoop>>;
using Writers = std::vector<std::unique_ptr<Writer>>;

std::int64_t cpu_of(const Loops &loops)
{
	std::int64_t sum = 0;
	for (const auto &loop : loops)
		sum += loop->cpu_ns();
	return sum;
}

/// Waits until `done`; dies when a loop has failed, or when `progress` stands still for `patience_s`.
template <class Done, class Progress>
void wait_for(Board &board, Loops &loops, const char *what, int patience_s, Done &&done, Progress &&progress)
{
	std::uint64_t last = progress();
	std::int64_t since = now_ns();
	while (!done()) {
		if (board.failed) {
			board.stop = true;
			for (auto &loop : loops) {
				loop->join();
				if (!loop->error().empty())
					die(loop->error());
			}
		}
		if (const std::uint64_t now = progress(); now != last) {
			last = now;
			since = now_ns();
		} else if (now_ns() - since > std::int64_t{patience_s} * 1'000'000'000) {
			die(std::string("waited in vain for ") + what);
		}
		sleep_until(now_ns() + 1'000'000);
	}
}

Loops connect(Board &board, const Options &options)
{
	raise_descriptor_limit(options.clients);
	Loops loops;
	std::size_t first = 0;
	for (std::size_t i = 0; i < options.threads; ++i) {
		const std::size_t next = options.clients * (i + 1) / options.threads;
		loops.push_back(std::make_unique<ReaderLoop>(board, options.target, first, next - first));
		first = next;
	}
	wait_for(
		board, loops, "clients to be subscribed", 40, [&] { return board.live == options.clients; },
		[&] { return board.live.load(); });
	print({{"event", "live"}, {"clients", options.clients}});
	return loops;
}

double milliseconds(std::uint64_t us)
{
	return static_cast<double>(us) / 1000;
}

ordered_json curve(const Histogram &latencies_us)
{
	ordered_json points = ordered_json::array();
	for (const double q : {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0})
		points.push_back({q, milliseconds(latencies_us.quantile(q))});
	return points;
}

/// Adds up what the clients have; returns whether nothing is missing.
bool report(const Loops &loops, const Sent &sent, ordered_json &result)
{
	Histogram latencies_us;
	std::uint64_t changes = 0, frames = 0, bytes = 0, behind = 0, coalesced = 0, incomplete = 0, parsed = 0;
	std::uint64_t expected = 0;
	std::int64_t last_marker = 0;
	for (const auto &loop : loops) {
		latencies_us.merge(loop->latencies_us());
		parsed += loop->parsed();
		for (const auto &client : loop->clients()) {
			const Receipt &receipt = client->receipt;
			changes += receipt.changes;
			frames += receipt.frames;
			bytes += receipt.bytes;
			behind += receipt.behind;
			coalesced += receipt.coalesced;
			last_marker = std::max(last_marker, receipt.marker_ns);
			if (receipt.coalesced != 0)
				continue; // such a client cannot know what it did not get
			expected += sent.changes;
			incomplete += !receipt.complete(sent);
		}
	}
	const double seconds =
		static_cast<double>(last_marker - result["first_measured_ns"].get<std::int64_t>()) / 1e9;
	result["changes"] = sent.changes;
	result["elapsed_s"] = seconds;
	result["deliveries"] = changes;
	result["frames"] = frames;
	result["frame_bytes"] = bytes;
	result["missing"] = static_cast<std::int64_t>(expected) - static_cast<std::int64_t>(changes);
	result["incomplete_clients"] = incomplete;
	result["behind"] = behind;
	result["coalesced"] = coalesced;
	result["distinct_frames"] = parsed;
	result["p50_ms"] = milliseconds(latencies_us.quantile(.5));
	result["p99_ms"] = milliseconds(latencies_us.quantile(.99));
	result["p999_ms"] = milliseconds(latencies_us.quantile(.999));
	result["max_ms"] = milliseconds(latencies_us.max());
	result["curve"] = curve(latencies_us);
	return incomplete == 0;
}

Writers start_writers(
	const Options &options, Board &board, WriterBoard &writers, std::int64_t start, std::int64_t end)
{
	Writers result;
	const double rate = options.mode == Options::Mode::latency ? options.rate : 0;
	for (std::size_t i = 0; i < options.writers; ++i) {
		// Writers at a steady rate take turns: together they are as even as one.
		const double first_turn_ns = rate > 0 ? 1e9 * static_cast<double>(options.changes * i) / rate : 0;
		const std::size_t rows = written_rows / options.writers;
		result.push_back(
			std::make_unique<Writer>(WritingPlan{.db = options.db,
										 .table = options.target.table,
										 .changes_per_transaction = options.changes,
										 .start_ns = start + static_cast<std::int64_t>(first_turn_ns),
										 .end_ns = end,
										 .rate = rate / static_cast<double>(options.writers),
										 .window = options.window,
										 .first_row = 1 + i * rows,
										 .rows = rows},
				board, writers));
	}
	return result;
}

int fan_out(const Options &options)
{
	Board board;
	WriterBoard writer_board;
	Loops loops = connect(board, options);
	const std::int64_t start = now_ns();
	const std::int64_t first_measured = start + static_cast<std::int64_t>(options.warmup * 1e9);
	const std::int64_t end = first_measured + static_cast<std::int64_t>(options.seconds * 1e9);
	board.first_measured_ns = first_measured;
	Writers writers = start_writers(options, board, writer_board, start, end);
	sleep_until(first_measured);
	print({{"event", "measuring"}});
	const std::int64_t readers_cpu = cpu_of(loops);

	Sent sent;
	Histogram commits_us;
	std::int64_t late_ns = 0, writers_cpu_ns = 0;
	for (auto &writer : writers) {
		writer->join();
		if (!writer->error().empty() && !board.failed)
			die(writer->error());
		sent.changes += writer->sent().changes;
		sent.stamp_sum += writer->sent().stamp_sum;
		commits_us.merge(writer->commits_us());
		late_ns = std::max(late_ns, writer->late_ns());
		writers_cpu_ns += writer->cpu_ns();
	}
	const std::int64_t written_at = now_ns();
	if (const std::string problem = write_marker(options.db, options.target.table); !problem.empty())
		die(problem);
	wait_for(
		board, loops, "the last change to reach all clients", 20,
		[&] { return board.marked == options.clients; }, [&] { return board.delivered.load(); });

	ordered_json result = {{"event", "result"}, {"clients", options.clients},
		{"changes_per_transaction", options.changes}, {"writers", options.writers}};
	result["first_measured_ns"] = first_measured;
	result["readers_cpu_s"] = static_cast<double>(cpu_of(loops) - readers_cpu) / 1e9;
	result["writers_cpu_s"] = static_cast<double>(writers_cpu_ns) / 1e9;
	board.stop = true;
	for (auto &loop : loops)
		loop->join();
	result["written_s"] = static_cast<double>(written_at - first_measured) / 1e9;
	result["commit_p50_ms"] = milliseconds(commits_us.quantile(.5));
	result["commit_p99_ms"] = milliseconds(commits_us.quantile(.99));
	result["late_ms"] = static_cast<double>(late_ns) / 1e6;
	const bool complete = report(loops, sent, result);
	result.erase("first_measured_ns");
	print(result);
	return complete ? 0 : 1;
}

int idle(const Options &options)
{
	Board board;
	Loops loops = connect(board, options);
	while (std::getchar() != EOF) {
	}
	if (board.failed)
		for (auto &loop : loops) {
			loop->join();
			if (!loop->error().empty())
				die(loop->error());
		}
	print({{"event", "result"}, {"clients", options.clients}});
	return 0;
}

int read(const Options &options)
{
	Reading reading;
	const std::string problem =
		read_log(options.db, options.statement, options.place_column, options.since, reading);
	if (!problem.empty())
		die(problem);
	print({{"event", "result"}, {"rows", reading.rows}, {"pages", reading.pages}, {"bytes", reading.bytes},
		{"seconds", reading.seconds},
		{"client_cpu_s", static_cast<double>(read_clock(CLOCK_PROCESS_CPUTIME_ID)) / 1e9}});
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	Options options;
	if (const std::string problem = parse_options({argv + 1, argv + argc}, options); !problem.empty()) {
		std::fprintf(stderr, "bench-load: %s\n", problem.c_str());
		return 2;
	}
	switch (options.mode) {
	case Options::Mode::latency:
	case Options::Mode::saturate:
		return fan_out(options);
	case Options::Mode::idle:
		return idle(options);
	case Options::Mode::read:
		return read(options);
	}
}

// A thread with an epoll loop and its share of the clients.
#pragma once

#include "connection.hpp"
#include "histogram.hpp"
#include "receipt.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace lockstep::bench
{

/// What loops, writers and main tell each other. Thread-safe.
struct Board {
	std::atomic<std::int64_t> first_measured_ns{INT64_MAX}; // set before the first change is written
	std::atomic<std::uint64_t> live{0};                     // clients that are subscribed
	std::atomic<std::uint64_t> marked{0};                   // clients that have received the marker
	std::atomic<std::uint64_t> keeping_up{0};               // live clients that were never behind
	std::atomic<std::uint64_t> delivered{0};                // changes to those, in all
	std::atomic<bool> stop{false};
	std::atomic<bool> failed{false}; // a loop has an error
};

/// Distinct objects: safe. Only `board` is shared while the thread runs; read the rest after `join()`.
class ReaderLoop {
public:
	/// Opens `count` clients, the first one being number `first` of all. Starts the thread.
	ReaderLoop(Board &board, const Target &target, std::size_t first, std::size_t count);
	~ReaderLoop();
	ReaderLoop(const ReaderLoop &) = delete;
	ReaderLoop &operator=(const ReaderLoop &) = delete;

	void join();
	/// CPU time of the thread until now; only before `join()`.
	std::int64_t cpu_ns();

	struct Client {
		Connection connection;
		Receipt receipt;
		std::uint64_t place = 0;
	};
	const std::vector<std::unique_ptr<Client>> &clients() const { return clients_; }
	const Histogram &latencies_us() const { return latencies_us_; }
	std::uint64_t parsed() const { return memory_.parsed(); } // distinct messages
	const std::string &error() const { return error_; }

private:
	void run();
	void connect_all();
	void open(std::size_t index);
	/// Returns whether anything happened within `timeout_ms`.
	bool poll(int timeout_ms);
	void serve(Client &client, std::uint32_t events);
	void take(Client &client, std::string_view text);
	void fail(const std::string &why);

	Board &board_;
	const Target target_;
	const std::size_t first_;
	std::vector<std::unique_ptr<Client>> clients_;
	std::size_t live_ = 0;
	int epoll_;
	std::vector<char> buffer_;
	MessageMemory memory_;
	Histogram latencies_us_;
	std::string error_;
	// of the present round of events
	std::int64_t now_ns_ = 0;
	std::int64_t delivered_ = 0; // to clients that keep up; a client that falls behind takes back what it had
	std::thread thread_;
};

} // namespace lockstep::bench

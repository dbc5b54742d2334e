// Threads that change rows of the table, each over a database connection of its own.
#pragma once

#include "database.hpp"
#include "histogram.hpp"
#include "reader_loop.hpp"
#include "receipt.hpp"

#include <cstddef>
#include <string>
#include <thread>

namespace lockstep::bench
{

/// The table has the rows 1 to `written_rows`, and 0 for the marker.
constexpr std::size_t written_rows = 100;

struct WritingPlan {
	std::string db; // conninfo
	std::string table;
	std::size_t changes_per_transaction = 1;
	std::int64_t start_ns = 0;
	std::int64_t end_ns = 0;
	double rate = 0;        // changes/s of this writer; 0: as fast as the window allows
	std::size_t window = 0; // changes written but not yet received by the average client, at most
	// The rows this writer changes: writers must not wait for each other's row locks.
	std::size_t first_row = 1;
	std::size_t rows = written_rows;
};

/// Shared by all writers of a run. Thread-safe.
struct WriterBoard {
	std::atomic<std::uint64_t> written{0}; // changes, sent or about to be
};

/// Distinct objects: safe. Read the results after `join()`.
class Writer {
public:
	Writer(const WritingPlan &plan, Board &board, WriterBoard &writers);
	~Writer() { join(); }
	Writer(const Writer &) = delete;
	Writer &operator=(const Writer &) = delete;

	void join();

	const Sent &sent() const { return sent_; }
	const Histogram &commits_us() const { return commits_us_; } // from stamp to COMMIT's answer
	std::int64_t late_ns() const { return late_ns_; }           // the latest UPDATE against its time
	std::int64_t cpu_ns() const { return cpu_ns_; }             // of the thread, in the measured time
	const std::string &error() const { return error_; }

private:
	void run();
	/// Sends one transaction after the other. Returns the thread's CPU time at the first measured one, or at the end.
	std::int64_t write(const PgConnection &connection);
	/// Waits for the plan's next turn; false when the time is over or nothing can come of it.
	bool wait(std::int64_t turn);

	const WritingPlan plan_;
	Board &board_;
	WriterBoard &writers_;
	Sent sent_;
	Histogram commits_us_;
	std::int64_t late_ns_ = 0;
	std::int64_t cpu_ns_ = 0;
	std::string error_;
	std::thread thread_;
};

/// Commits the marker. Returns what went wrong, or nothing.
std::string write_marker(const std::string &db, const std::string &table);

} // namespace lockstep::bench

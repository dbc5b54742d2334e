#include "feed/feed.hpp"

#include "base/log.hpp"

namespace lockstep::feed
{
namespace
{

constexpr std::chrono::seconds look_interval{1}; // a bell may be lost

/// What is wrong with the database as it is, and what helps.
struct NotUsable {
	std::string message;
	std::string hint;
};

std::int64_t now_micros()
{
	const auto now = std::chrono::system_clock::now().time_since_epoch();
	return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

asio::awaitable<std::optional<NotUsable>> check_database(db::Connection &connection)
{
	const db::Result result = co_await connection.query(
		"SELECT (SELECT extversion FROM pg_extension WHERE extname = 'lockstep'), "
		"(SELECT pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = 'lockstep_bridge'), "
		"current_user, current_database(), pg_is_in_recovery()");
	const std::string user = result.text(0, 2);
	if (result.null(0, 0))
		co_return NotUsable{
			"extension \"lockstep\" is not installed in database \"" + result.text(0, 3) + "\"",
			"A superuser creates it with: CREATE EXTENSION lockstep"};
	if (!result.flag(0, 1))
		co_return NotUsable{"role \"" + user + "\" is not a member of role \"lockstep_bridge\"",
			"A superuser makes it one with: GRANT lockstep_bridge TO \"" + user + "\""};
	if (result.flag(0, 4))
		co_return NotUsable{"the server is a standby", "Connect the bridge to the primary."};
	co_return std::nullopt;
}

} // namespace

Feed::Feed(
	asio::any_io_executor executor, std::string conninfo, std::size_t page, Sink &sink, Metrics &metrics)
	: executor_(std::move(executor)), conninfo_(std::move(conninfo)), page_(page), sink_(sink),
	  metrics_(metrics), backoff_(std::chrono::milliseconds(200), std::chrono::milliseconds(10000))
{
}

void Feed::look()
{
	if (connection_ != nullptr)
		connection_->interrupt();
}

asio::awaitable<void> Feed::run()
{
	for (int attempt = 1;; ++attempt) {
		std::string error;
		std::string hint;
		try {
			std::unique_ptr<db::Connection> connection = co_await db::Connection::open(executor_, conninfo_);
			if (const auto problem = co_await check_database(*connection)) {
				error = problem->message;
				hint = problem->hint;
			} else {
				connection_ = connection.get();
				co_await live(*connection);
			}
		} catch (const db::ConnectionLost &lost) {
			error = lost.what();
		} catch (const db::SqlError &refused) {
			error = refused.message;
			hint = refused.hint;
		} catch (
			const std::exception &unexpected) { // such as an answer of a form that this version does not know
			error = unexpected.what();
		}
		connection_ = nullptr;
		if (connected_) {
			connected_ = false;
			attempt = 1;
			metrics_.database_up = 0;
			++metrics_.database_reconnects;
			sink_.connected(false);
		}
		const auto pause = backoff_.next();
		if (hint.empty())
			log::warn("could not read the feed", log::Field("error", error), log::Field("attempt", attempt),
				log::Field("next_ms", pause.count()));
		else
			log::warn("could not read the feed", log::Field("error", error), log::Field("hint", hint),
				log::Field("attempt", attempt), log::Field("next_ms", pause.count()));
		co_await sleep_for(executor_, pause);
	}
}

asio::awaitable<void> Feed::live(db::Connection &connection)
{
	// First listen, then look: what commits in between rings.
	co_await connection.query("LISTEN lockstep");
	co_await begin(connection);
	co_await read(connection);
	connected_ = true;
	backoff_.reset();
	metrics_.database_up = 1;
	sink_.connected(true);
	log::info("reading the feed", log::Field("position", position_->text()));
	while (true) {
		co_await connection.wait_notification(look_interval);
		co_await read(connection);
	}
}

asio::awaitable<void> Feed::begin(db::Connection &connection)
{
	const wire::PositionPtr now = co_await read_position(connection);
	if (position_ && now->same_history(*position_))
		co_return;
	// On a timeline that branched off, the feed might go on; but snapshots were read from the old one too, perhaps later than it.
	const std::string reason = position_ ? "the server was promoted or restored" : "the feed begins";
	if (position_)
		log::warn("the feed begins anew", log::Field("reason", reason));
	position_ = now;
	sink_.restart(reason, position_);
}

asio::awaitable<void> Feed::read(db::Connection &connection)
{
	bool complete = false;
	bool begun_anew = false;
	while (!complete) {
		std::optional<Page> page;
		std::string uncovered;
		try {
			page = co_await read_feed(connection, position_, page_);
		} catch (const db::SqlError &error) {
			if (error.sqlstate != "LS004")
				throw;
			uncovered = error.message;
		}
		if (!page) {
			if (begun_anew) // not even the position just read is good: only time can help
				throw std::runtime_error(uncovered);
			begun_anew = true;
			// Another database, or another life of it: what clients have cannot be continued.
			log::warn("the feed begins anew", log::Field("reason", uncovered));
			position_ = co_await read_position(connection);
			sink_.restart(uncovered, position_);
			continue;
		}
		complete = page->complete;
		const wire::PositionPtr after = page->batch.after;
		const auto first_at = page->first_at;
		const std::size_t transactions = page->batch.transactions.size();
		std::size_t changes = 0;
		for (const hub::Transaction &transaction : page->batch.transactions)
			changes += transaction.changes.size();
		co_await sink_.batch(std::move(page->batch), connection);
		position_ = after;
		if (transactions > 0) {
			metrics_.transactions += transactions;
			metrics_.changes += changes;
			if (first_at)
				metrics_.feed_lag.observe(static_cast<double>(now_micros() - *first_at) / 1e6);
		}
	}
}

} // namespace lockstep::feed

#include "desk/fill.hpp"

#include "base/log.hpp"
#include "base/spawn.hpp"
#include "feed/batch.hpp"
#include "wire/json.hpp"

#include <algorithm>
#include <utility>

namespace lockstep::desk
{
namespace
{

constexpr std::size_t snapshot_frame_bytes = 64U << 10U;
constexpr std::chrono::milliseconds retry_pause{200};
// A client that has not taken a part of its snapshot after this is slow: its connection stays, its place does not.
constexpr std::chrono::milliseconds prompt{200};

/// One piece of work for one session and subscription. It goes on over losses of the connection, and ends early when
/// nobody wants its result any more.
class Filling {
public:
	Filling(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription, net::Ticket ticket,
		std::string id)
		: core_(core), session_(std::move(session)), subscription_(std::move(subscription)), ticket_(ticket),
		  id_(std::move(id))
	{
	}

	asio::awaitable<bool> subscribe(wire::Subscribe request);
	asio::awaitable<void> run();

	/// What is to be read: from here, or (null) all.
	wire::PositionPtr since;
	wire::PositionPtr upto;
	bool snapshots = true; // where the log does not help

private:
	asio::awaitable<void> attempt();
	asio::awaitable<void> snapshot();
	asio::awaitable<void> gap();
	asio::awaitable<std::string> files(db::Connection &connection, const hub::Table &table);
	asio::awaitable<bool> too_many(db::Connection &connection, const hub::Spec &spec);
	asio::awaitable<std::vector<hub::ChangesPtr>> judged(feed::Page &page, db::Connection &connection);
	asio::awaitable<bool> wanted_still(db::Pool::Lease &lease);
	asio::awaitable<bool> wait_for_database();
	asio::awaitable<bool> unlocked();
	asio::awaitable<bool> wanted()
	{
		return net::Session::drained(session_, subscription_->id, ticket_, core_.executor);
	}

	void confirm(const std::string &position);
	void send(wire::FramePtr frame) { session_->send_part(subscription_->id, ticket_, std::move(frame)); }
	void settle(wire::PositionPtr seen);
	void start_over(const std::string &reason);

	Core &core_;
	net::SessionPtr session_;
	hub::SubscriptionPtr subscription_;
	net::Ticket ticket_;
	std::string id_;
	std::optional<std::uint64_t> limit_;
	std::chrono::steady_clock::time_point begun_at_ = std::chrono::steady_clock::now();
	bool confirmed_ = true;
	bool begun_ = false; // rows of a snapshot have been sent that will not be completed
	bool refused_ = false;
	bool done_ = false;
};

asio::awaitable<bool> Filling::subscribe(wire::Subscribe request)
{
	confirmed_ = false;
	limit_ = request.limit;
	const bool all = !request.since && request.snapshot;
	if (request.since)
		since = wire::Position::parse(*request.since);
	net::Session::Start start{
		id_, subscription_->id, subscription_->name, ticket_, all, since, request.snapshot};
	const net::Session::Attached attached =
		co_await net::Session::attached(session_, std::move(start), core_.executor);
	if (!attached.joined) {
		session_->dismiss();
		co_return false;
	}
	// The feed's frames are kept for this session since then: what is read below begins no later.
	upto = core_.judged;
	snapshots = attached.snapshots;
	if (attached.running) {
		confirm((attached.from ? attached.from : upto)->text());
		co_return true;
	}
	if (request.since) {
		since = attached.from;
		confirm(*request.since);
		if (attached.refetch)
			start_over("a snapshot that others wait for comes first");
		else if (request.shape && *request.shape != subscription_->spec->shape())
			start_over(
				"the position was reached with another filter, other columns or another shape of the table");
	} else if (!request.snapshot) {
		confirm(upto->text());
		settle(upto);
	}
	co_await run();
	co_return !refused_;
}

/// What was sent does not lead to what follows: the client shall begin with a snapshot (its own, where it wants none).
void Filling::start_over(const std::string &reason)
{
	session_->start_over(subscription_->id, ticket_, wire::refetch_frame(subscription_->name, reason));
	++core_.metrics.refetches;
	since = nullptr;
	begun_ = false;
	if (!snapshots)
		settle(upto);
}

void Filling::confirm(const std::string &position)
{
	confirmed_ = true;
	const hub::Spec &spec = *subscription_->spec;
	wire::Answer answer("subscribed", id_);
	answer.text("sub", subscription_->name)
		.text("table", spec.table().name)
		.raw("key", spec.key_json())
		.raw("columns", spec.columns_json())
		.text("shape", spec.shape())
		.text("position", position);
	if (spec.table().version >= 0)
		answer.text(
			"version_column", spec.table().columns[static_cast<std::size_t>(spec.table().version)].name);
	session_->confirm(id_, answer.seal());
}

void Filling::settle(wire::PositionPtr seen)
{
	done_ = true;
	session_->settle(subscription_->id, ticket_, std::move(seen));
}

asio::awaitable<void> Filling::run()
{
	while (!done_ && !session_->gone()) {
		std::exception_ptr thrown;
		try {
			co_await attempt();
		} catch (...) {
			thrown = std::current_exception();
		}
		if (!thrown)
			continue;
		const auto failure = lasting_failure(thrown);
		if (!confirmed_) {
			session_->refuse(id_, failure.value_or(wire::unavailable()));
			session_->call_off(subscription_->id, ticket_);
			refused_ = true;
			co_return;
		}
		if (failure) {
			log::warn("could not bring a session up to date",
				log::Field("table", subscription_->spec->table().name), log::Field("code", failure->code),
				log::Field("error", failure->message));
			session_->abandon(subscription_->id, ticket_, *failure);
			co_return;
		}
		if (begun_)
			start_over("the connection to the database was lost");
		if (!co_await wait_for_database())
			co_return;
	}
}

asio::awaitable<void> Filling::attempt()
{
	// What was missed is read from the log; only judging it may take the table.
	const bool needs_table = !since || !subscription_->spec->filter().local();
	if (needs_table) {
		const bool go_on = co_await unlocked();
		if (!go_on)
			co_return;
	}
	const hub::TablePtr table = subscription_->spec->table_ptr();
	try {
		if (since)
			co_await gap();
		else
			co_await snapshot();
	} catch (const db::SqlError &error) {
		if (!error.locked() || begun_)
			throw;
		core_.locked.add(table); // and from the beginning, once it is free
	}
}

/// Waits, without a connection, while the table is locked. False where there is nothing to do any more.
asio::awaitable<bool> Filling::unlocked()
{
	while (core_.locked.contains(subscription_->spec->table().relid)) {
		if (!confirmed_ && std::chrono::steady_clock::now() - begun_at_ > core_.settings.lock_wait)
			throw SpecError({"55P03", "table " + subscription_->spec->table().name + " is locked", {},
				"Try again once the transaction that holds the lock has ended."});
		co_await core_.locked.looked();
		if (session_->gone())
			co_return false;
		if (confirmed_) {
			const bool current = co_await wanted();
			if (!current) {
				done_ = true;
				co_return false;
			}
		}
	}
	co_return true;
}

asio::awaitable<bool> Filling::wait_for_database()
{
	do {
		co_await sleep_for(core_.executor, retry_pause);
		while (!core_.connected && !session_->gone())
			co_await core_.connection_changed.wait();
	} while (!core_.connected && !session_->gone());
	co_return co_await wanted();
}

asio::awaitable<bool> Filling::too_many(db::Connection &connection, const hub::Spec &spec)
{
	if (!limit_)
		co_return false;
	const db::Result result = co_await connection.query("SELECT count(*) > " + std::to_string(*limit_) +
			" FROM (SELECT FROM " + spec.table().name + " AS t WHERE " + spec.filter().sql() + " LIMIT " +
			std::to_string(*limit_ + 1) + ") AS found",
		db::filter_params(spec.filter()));
	co_return result.flag(0, 0);
}

/// The files that a table's rows are in. Whoever may read some columns only cannot lock it, but can tell by these
/// whether it was truncated meanwhile.
asio::awaitable<std::string> Filling::files(db::Connection &connection, const hub::Table &table)
{
	const db::Result result =
		co_await connection.query("SELECT string_agg(pg_relation_filenode(relid)::text, ',' ORDER BY relid) "
								  "FROM (SELECT $1::regclass AS relid UNION SELECT relid FROM "
								  "pg_partition_tree($1::regclass)) AS parts",
			db::params(std::to_string(table.relid)));
	co_return result.text(0, 0);
}

/// Waits until the client has taken what it was sent, without holding up others meanwhile. False where the rest is of
/// no use.
asio::awaitable<bool> Filling::wanted_still(db::Pool::Lease &lease)
{
	struct Wait {
		explicit Wait(const asio::any_io_executor &executor) : timer(executor) {}
		asio::steady_timer timer;
		std::optional<bool> wanted;
	};
	const auto wait = std::make_shared<Wait>(core_.executor);
	wait->timer.expires_after(prompt);
	spawn(core_.executor, "snapshot",
		[wait, session = session_, subscription = subscription_->id, ticket = ticket_,
			executor = core_.executor]() -> asio::awaitable<void> {
			wait->wanted = co_await net::Session::drained(session, subscription, ticket, executor);
			wait->timer.cancel();
		});
	std::optional<std::uint64_t> sent; // when the client began to be slow
	while (!wait->wanted) {
		error_code ignored;
		co_await wait->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
		if (wait->wanted)
			break;
		// Its transaction holds a lock on the table and keeps dead rows alive: not for ever.
		if (sent && session_->sent_bytes() - *sent < snapshot_frame_bytes)
			session_->give_up("too slow to take a snapshot");
		lease.step_aside();
		sent = session_->sent_bytes();
		wait->timer.expires_after(core_.settings.snapshot_stall);
	}
	if (*wait->wanted)
		co_await lease.come_back();
	co_return *wait->wanted;
}

asio::awaitable<void> Filling::snapshot()
{
	db::Pool::Lease lease = co_await core_.reads.lease();
	const hub::SpecPtr spec = subscription_->spec;
	const hub::Table &table = spec->table();
	if (session_->gone() || core_.locked.contains(table.relid)) // while it waited in line
		co_return;
	// A TRUNCATE is not undone for older snapshots: what commits between our position and our reading would show an
	// empty table at a position that has not seen it. So: first the lock, then the snapshot.
	std::string before;
	if (!table.lockable)
		before = co_await files(*lease, table);
	co_await lease->query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	if (table.lockable)
		co_await lease->query("LOCK TABLE " + table.name + " IN ACCESS SHARE MODE");
	const wire::PositionPtr position = co_await feed::read_position(*lease);
	if (co_await too_many(*lease, *spec)) {
		co_await lease->query("ROLLBACK");
		throw SpecError(
			{"too_many_rows", "the snapshot has more than " + std::to_string(limit_.value_or(0)) + " rows",
				{}, "Narrow the filter, or ask for a higher limit."});
	}
	if (!confirmed_)
		confirm(position->text());

	std::string columns;
	for (const int ordinal : spec->columns())
		columns += (columns.empty() ? "t." : ", t.") +
			db::quote_identifier(table.columns[static_cast<std::size_t>(ordinal)].name);
	co_await lease->start("SELECT lockstep.image(r.*) FROM (SELECT " + columns + " FROM " + table.name +
			" AS t WHERE " + spec->filter().sql() + ") AS r",
		db::filter_params(spec->filter()));
	const std::string head = wire::Frame::room() +
		"{\"type\":\"snapshot\",\"sub\":" + wire::quoted(subscription_->name) + ",\"id\":" + id_ +
		",\"rows\":[";
	std::string frame = head;
	std::size_t rows = 0;
	while (const std::optional<db::Result> row = co_await lease->next()) {
		if (frame.size() > snapshot_frame_bytes) {
			frame += "],\"last\":false}";
			send(wire::Frame::seal(std::move(frame)));
			begun_ = true;
			if (!co_await wanted_still(lease)) {
				done_ = true;
				co_return;
			}
			frame = head;
		}
		if (frame.size() > head.size())
			frame += ',';
		frame += row->get(0, 0);
		++rows;
	}
	co_await lease->query("COMMIT");
	std::string after;
	if (!table.lockable)
		after = co_await files(*lease, table);
	if (before != after) {
		start_over("the table was truncated or rewritten while it was read");
		co_return;
	}
	frame += "],\"last\":true,\"position\":" + wire::quoted(position->text()) + "}";
	send(wire::Frame::seal(std::move(frame)));
	++core_.metrics.snapshots;
	core_.metrics.snapshot_rows += rows;
	settle(position);
	// The feed may stand a little behind the snapshot; the sooner it has caught up, the sooner frames can be shared.
	core_.look();
}

asio::awaitable<void> Filling::gap()
{
	while (since && !session_->gone()) {
		wire::PositionPtr next;
		std::vector<hub::ChangesPtr> missed;
		{
			// For one page only: the client may be slow to take it.
			const db::Pool::Lease lease = co_await core_.reads.lease();
			std::optional<feed::Page> page;
			std::string uncovered;
			try {
				page = co_await feed::read_table(
					*lease, since, upto, subscription_->spec->table().relid, core_.settings.feed_page);
			} catch (const db::SqlError &error) {
				if (error.sqlstate != "LS004")
					throw;
				uncovered = error.message;
			}
			if (!page) {
				start_over(uncovered);
				co_return;
			}
			if (page->complete) {
				settle(wire::Position::unite(since, upto));
				core_.look();
				co_return;
			}
			missed = co_await judged(*page, *lease);
			next = page->batch.after;
		}
		if (!since) // it has begun anew
			co_return;
		for (const hub::ChangesPtr &changes : missed) {
			send(changes->frame);
			if (!co_await wanted()) {
				done_ = true;
				co_return;
			}
		}
		since = next;
	}
}

/// The page's frames for this subscription. Starts over where they would not do.
asio::awaitable<std::vector<hub::ChangesPtr>> Filling::judged(feed::Page &page, db::Connection &connection)
{
	hub::Subscription own = *subscription_; // as it is now, whatever the feed brings meanwhile
	hub::Judgement::Interests interests;
	interests[own.spec->table().relid].emplace_back(own.spec->table_ptr()).add(&own);
	hub::Judgement judgement(page.batch);
	judgement.judge(interests);
	for (hub::Question &question : judgement.questions())
		co_await answer(connection, question);
	bool reshaped = false;
	for (const hub::Transaction &transaction : page.batch.transactions)
		for (const hub::Change &change : transaction.changes)
			reshaped |= change.op == hub::Change::Op::schema && change.relid == own.spec->table().relid;
	if (reshaped || !judgement.blind().empty()) {
		start_over(reshaped ? "the table's shape changed"
							: "a row's value has no form in which a filter could judge it");
		co_return std::vector<hub::ChangesPtr>();
	}
	co_return judgement.write(core_.settings.max_frame_bytes, {});
}

} // namespace

asio::awaitable<bool> fill(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription,
	std::string id, wire::Subscribe request)
{
	Filling filling(core, std::move(session), std::move(subscription), net::next_ticket(), std::move(id));
	co_return co_await filling.subscribe(std::move(request));
}

asio::awaitable<void> fill_again(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription,
	net::Ticket ticket, std::string id)
{
	Filling filling(core, std::move(session), std::move(subscription), ticket, std::move(id));
	co_await filling.run();
}

asio::awaitable<void> fill_gap(Core &core, net::SessionPtr session, hub::SubscriptionPtr subscription,
	net::Ticket ticket, std::string id, bool snapshots, wire::PositionPtr since, wire::PositionPtr upto)
{
	Filling filling(core, std::move(session), std::move(subscription), ticket, std::move(id));
	filling.since = std::move(since);
	filling.upto = std::move(upto);
	filling.snapshots = snapshots;
	co_await filling.run();
}

} // namespace lockstep::desk

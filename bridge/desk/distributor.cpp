#include "desk/distributor.hpp"

#include "base/log.hpp"

#include <set>

namespace lockstep::desk
{

asio::awaitable<void> Distributor::batch(hub::Batch batch, db::Connection &connection)
{
	auto delivery = std::make_shared<hub::Delivery>();
	delivery->before = batch.before;
	delivery->after = batch.after;
	if (batch.transactions.empty()) {
		const bool moved = batch.before->text() != batch.after->text();
		core_.judged = batch.after;
		if (moved)
			shards_.each([&](net::Shard &shard) { shard.deliver(delivery); });
		co_return;
	}

	const std::vector<hub::SubscriptionPtr> keep = core_.hub.all(); // the judgement points to them
	core_.judged = batch.after;
	hub::Judgement judgement(batch);
	judgement.judge(core_.hub.interests());
	// From here on the database may be asked; subscriptions that come meanwhile start behind this batch.
	Reshaped reshaped = co_await look_again(batch, connection);
	co_await answer_all(judgement, connection, reshaped);

	delivery->changes = judgement.write(core_.settings.max_frame_bytes, reshaped.specs);
	core_.metrics.frames_built += delivery->changes.size();
	shards_.each([&](net::Shard &shard) { shard.deliver(delivery); });

	reshape(reshaped);
	for (const hub::Subscription *subscription : judgement.blind()) {
		const hub::SubscriptionId id = subscription->id;
		log::warn("a change cannot be judged: its image lacks a value",
			log::Field("table", subscription->spec->table().name));
		shards_.each([id](net::Shard &shard) {
			shard.refetch(id, "a row's value has no form in which a filter could judge it");
		});
	}
}

asio::awaitable<Distributor::Reshaped> Distributor::look_again(
	const hub::Batch &batch, db::Connection &connection)
{
	Reshaped result;
	std::set<std::uint32_t> tables;
	for (const hub::Transaction &transaction : batch.transactions)
		for (const hub::Change &change : transaction.changes)
			if (change.op == hub::Change::Op::schema)
				tables.insert(change.relid);
	if (tables.empty())
		co_return result;
	core_.catalogue.forget();
	for (const std::uint32_t relid : tables) {
		for (const hub::SubscriptionPtr &subscription : core_.hub.of_table(relid)) {
			std::exception_ptr thrown;
			hub::SpecPtr spec;
			try {
				// The filter is not checked: that takes a lock on the table, for which the feed cannot wait. The
				// snapshots that follow find out.
				spec = co_await make_spec(core_, connection, request_of(*subscription->spec), true, false);
			} catch (...) {
				thrown = std::current_exception();
			}
			result.specs[subscription->id] = spec;
			if (!thrown)
				continue;
			auto failure = lasting_failure(thrown);
			if (!failure)
				std::rethrow_exception(thrown);
			result.failures[subscription->id] = std::move(*failure);
		}
	}
	co_return result;
}

asio::awaitable<void> Distributor::answer_all(
	hub::Judgement &judgement, db::Connection &connection, Reshaped &reshaped)
{
	if (judgement.questions().empty())
		co_return;
	// To judge a row the server needs the table's row type, and may have to lock the table for that.
	co_await connection.query(
		"SELECT set_config('lock_timeout', $1, false)", db::params(std::to_string(brief_lock_wait.count())));
	std::set<std::uint32_t> locked;
	for (hub::Question &question : judgement.questions()) {
		const hub::TablePtr table = question.subscription->spec->table_ptr();
		if (locked.contains(table->relid)) {
			reshaped.unjudged.push_back(question.subscription->id);
			question.answers.assign(question.images.size(), false);
			continue;
		}
		std::exception_ptr thrown;
		try {
			co_await answer(connection, question);
		} catch (const db::SqlError &error) {
			if (error.locked()) {
				locked.insert(table->relid);
				core_.locked.add(table);
				reshaped.unjudged.push_back(question.subscription->id);
				question.answers.assign(question.images.size(), false);
				continue;
			}
			thrown = std::current_exception();
		} catch (...) {
			thrown = std::current_exception();
		}
		if (!thrown)
			continue;
		auto failure = lasting_failure(thrown);
		if (!failure)
			std::rethrow_exception(thrown);
		// One filter that fails must not hold up the others: its subscription ends. Unless its table has just changed:
		// then the filter asked in the table's new shape about rows of the old, and all is fetched anew anyway.
		question.answers.assign(question.images.size(), false);
		const hub::SubscriptionId id = question.subscription->id;
		if (!reshaped.specs.contains(id)) {
			reshaped.specs[id] = nullptr;
			reshaped.failures[id] = std::move(*failure);
		}
	}
	co_await connection.query("RESET lock_timeout");
}

void Distributor::reshape(const Reshaped &reshaped)
{
	for (const auto &[id, spec] : reshaped.specs) {
		if (spec) {
			core_.hub.respecify(id, spec);
			shards_.each([id = id](net::Shard &shard) { shard.refetch(id, "the table's shape changed"); });
			continue;
		}
		const wire::Failure &failure = reshaped.failures.at(id);
		log::warn(
			"subscription ended", log::Field("code", failure.code), log::Field("error", failure.message));
		shards_.each([&, id = id](net::Shard &shard) { shard.end_subscription(id, failure); });
	}
	for (const hub::SubscriptionId id : reshaped.unjudged)
		if (!reshaped.specs.contains(id))
			shards_.each([id](net::Shard &shard) {
				shard.refetch(id, "the table was locked when a change of it had to be judged");
			});
}

void Distributor::restart(std::string reason, wire::PositionPtr position)
{
	core_.judged = position;
	core_.catalogue.forget();
	shards_.each([&](net::Shard &shard) { shard.restart_feed(reason, position); });
}

void Distributor::connected(bool connected)
{
	core_.connected = connected;
	ready_ = connected;
	if (!connected) {
		core_.catalogue.forget();
		core_.reads.reset();
		core_.lookups.reset();
		core_.writes.reset();
	}
	shards_.each([connected](net::Shard &shard) { shard.database_status(connected); });
	core_.connection_changed.notify_all();
}

} // namespace lockstep::desk

#include "desk/core.hpp"

#include "base/log.hpp"

#include <utility>

namespace lockstep::desk
{

SpecRequest request_of(const hub::Spec &spec)
{
	SpecRequest request{spec.table().name, spec.where(), std::nullopt, spec.changed_only()};
	if (spec.columns_chosen()) {
		request.columns.emplace();
		for (const int ordinal : spec.columns())
			request.columns->push_back(spec.table().columns[static_cast<std::size_t>(ordinal)].name);
	}
	return request;
}

asio::awaitable<hub::SpecPtr> make_spec(
	Core &core, db::Connection &connection, SpecRequest request, bool fresh, bool check)
{
	while (true) {
		const unsigned generation = core.catalogue.generation();
		const hub::TablePtr table = co_await core.catalogue.find(connection, request.table, fresh);
		auto columns = hub::choose_columns(*table, request.columns);
		if (auto *error = std::get_if<hub::FilterError>(&columns)) {
			const bool permission = error->message.starts_with("permission");
			throw SpecError({permission ? "forbidden" : "bad_request", error->message, {}, error->hint});
		}
		auto condition = hub::parse_filter(*table, request.where);
		if (auto *error = std::get_if<hub::FilterError>(&condition)) {
			const bool permission = error->message.starts_with("permission");
			throw SpecError({permission ? "forbidden" : "bad_request", error->message, {}, error->hint});
		}
		co_await db::resolve_literals(connection, *table, std::get<hub::Condition>(condition));
		auto spec = std::make_shared<const hub::Spec>(table, std::get<std::vector<int>>(columns),
			request.columns.has_value(), std::get<hub::Condition>(std::move(condition)), request.where,
			request.changed_only);
		if (check && !spec->filter().local() && !core.locked.contains(table->relid)) {
			try {
				co_await db::check_filter(connection, *table, spec->filter());
			} catch (const db::SqlError &error) {
				if (!error.locked())
					throw;
				core.locked.add(table);
			}
		}
		// While we asked, the feed may have brought a change of the table's shape.
		if (core.catalogue.generation() == generation)
			co_return spec;
		fresh = true;
	}
}

wire::Failure failure_of(const db::SqlError &error)
{
	return {error.sqlstate, error.message, error.detail, error.hint};
}

asio::awaitable<void> answer(db::Connection &connection, hub::Question &question)
{
	const hub::Spec &spec = *question.subscription->spec;
	std::string images = "[";
	for (const std::string &image : question.images) {
		if (images.size() > 1)
			images += ',';
		images += image;
	}
	images += ']';
	db::Params params = db::filter_params(spec.filter());
	params.emplace_back(std::move(images));
	const std::string own = std::to_string(params.size());
	const db::Result result = co_await connection.query("SELECT coalesce((" + spec.filter().sql() +
			"), false) FROM pg_catalog.jsonb_array_elements($" + own +
			"::pg_catalog.jsonb) WITH ORDINALITY AS u (image, place), LATERAL "
			"pg_catalog.jsonb_populate_record(NULL::" +
			spec.table().name + ", u.image) AS t ORDER BY u.place",
		std::move(params));
	question.answers.clear();
	for (int row = 0; row < result.rows(); ++row)
		question.answers.push_back(result.flag(row, 0));
}

std::optional<wire::Failure> lasting_failure(std::exception_ptr thrown)
{
	try {
		std::rethrow_exception(std::move(thrown));
	} catch (const db::ConnectionLost &) {
		return std::nullopt;
	} catch (const db::SqlError &error) {
		return error.passing() ? std::nullopt : std::optional(failure_of(error));
	} catch (const db::TableError &error) {
		return wire::Failure{error.code, error.message, {}, error.hint};
	} catch (const SpecError &error) {
		return error.failure;
	} catch (const std::exception &error) {
		log::error("unexpected failure", log::Field("in", "request"), log::Field("error", error.what()));
		return wire::Failure{"XX000", "internal error in the bridge", {}, "The bridge's log says more."};
	}
}

} // namespace lockstep::desk

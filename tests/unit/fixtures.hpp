// A table and changes to it, for tests that need no database.
#pragma once

#include "hub/change.hpp"
#include "hub/hub.hpp"
#include "hub/subscription.hpp"
#include "wire/json.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace lockstep::test
{

/// public.orders with a column of each kind.
inline hub::TablePtr orders()
{
	using hub::ColumnKind;
	static const hub::TablePtr table = [] {
		auto made = std::make_shared<hub::Table>();
		made->relid = 100;
		made->name = "public.orders";
		auto add = [&](const char *name, const char *type, ColumnKind kind) {
			hub::Column column;
			column.name = name;
			column.type = type;
			column.cast_type = type;
			column.kind = kind;
			made->columns.push_back(std::move(column));
		};
		add("id", "bigint", ColumnKind::integer);
		add("status", "text", ColumnKind::text);
		add("total", "numeric", ColumnKind::other);
		add("open", "boolean", ColumnKind::boolean);
		add("ref", "uuid", ColumnKind::uuid);
		add("code", "text", ColumnKind::text_c);
		add("due", "timestamp with time zone", ColumnKind::timestamptz);
		add("extra", "jsonb", ColumnKind::json);
		add("row_version", "bigint", ColumnKind::integer);
		add("secret", "text", ColumnKind::text);
		made->columns.back().logged = false;
		add("private", "text", ColumnKind::text);
		made->columns.back().readable = false;
		made->key = {0};
		made->version = 8;
		made->index();
		return made;
	}();
	return table;
}

/// A filter's tree with its literals as PostgreSQL would give them back.
inline hub::Condition resolved(const std::string &where)
{
	auto parsed = hub::parse_filter(*orders(), where);
	if (auto *error = std::get_if<hub::FilterError>(&parsed))
		throw std::runtime_error(error->message);
	auto condition = std::get<hub::Condition>(std::move(parsed));
	auto resolve = [](auto &self, hub::Condition &part) -> void {
		for (hub::Condition &inner : part.parts)
			self(self, inner);
		for (hub::Literal &literal : part.values) {
			const auto kind = orders()->columns[static_cast<std::size_t>(part.column)].kind;
			const bool bare = kind == hub::ColumnKind::integer || kind == hub::ColumnKind::boolean;
			literal.image = bare ? literal.text : wire::quoted(literal.text);
		}
	};
	resolve(resolve, condition);
	return condition;
}

inline hub::SpecPtr spec(
	const std::string &where = "", std::vector<int> columns = {0, 1, 2}, bool changed_only = false)
{
	return std::make_shared<const hub::Spec>(
		orders(), std::move(columns), true, resolved(where), where, changed_only);
}

/// A position that sees every transaction below `xmax` but those in `running`.
inline wire::PositionPtr position(wire::Xid xmax, const std::vector<wire::Xid> &running = {})
{
	std::string list;
	for (const wire::Xid xid : running)
		list += (list.empty() ? "" : ",") + std::to_string(xid);
	const wire::Xid xmin = running.empty() ? xmax : running.front();
	return wire::Position::parse(
		"p1-1-1-1-0-" + std::to_string(xmin) + "-" + std::to_string(xmax) + "-" + list);
}

/// Makes batches whose texts it keeps.
class BatchMaker {
public:
	explicit BatchMaker(wire::PositionPtr before)
	{
		batch_.before = before;
		batch_.after = before;
	}

	BatchMaker &transaction(wire::Xid xid)
	{
		hub::Transaction transaction;
		transaction.xid = xid;
		transaction.header = hub::transaction_header(
			std::to_string(xid), "2026-01-01T00:00:00.000000Z", "bob", std::nullopt, std::nullopt, false);
		transaction.after = position(xid + 1);
		batch_.after = transaction.after;
		batch_.transactions.push_back(std::move(transaction));
		return *this;
	}
	BatchMaker &change(
		hub::Change::Op op, const std::string &row, const std::string &old = "", int version = 1)
	{
		hub::Change change;
		change.op = op;
		change.relid = orders()->relid;
		change.row = keep(row);
		change.old = keep(old);
		if (!row.empty()) {
			const auto members = wire::JsonObject::parse(row);
			change.key = keep("{\"id\": " + std::string(members->find("id").value_or("0")) + "}");
			change.version = keep(std::to_string(version));
		}
		batch_.transactions.back().changes.push_back(change);
		return *this;
	}
	BatchMaker &insert(const std::string &row) { return change(hub::Change::Op::insert, row); }
	BatchMaker &update(const std::string &row, const std::string &old)
	{
		return change(hub::Change::Op::update, row, old, 2);
	}
	BatchMaker &erase(const std::string &row) { return change(hub::Change::Op::erase, row); }
	BatchMaker &truncate() { return change(hub::Change::Op::truncate, ""); }

	hub::Batch &batch() { return batch_; }

private:
	std::string_view keep(const std::string &text) { return texts_.emplace_back(text); }

	std::deque<std::string> texts_;
	hub::Batch batch_;
};

/// The frames that a batch makes for all subscriptions of a hub.
inline std::vector<hub::ChangesPtr> frames(
	const hub::Hub &hub, const hub::Batch &batch, std::size_t max_bytes = 1 << 20)
{
	hub::Judgement judgement(batch);
	judgement.judge(hub.interests());
	EXPECT_TRUE(judgement.questions().empty());
	return judgement.write(max_bytes, {});
}

} // namespace lockstep::test

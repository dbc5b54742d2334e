#include "hub/judgement.hpp"

#include <algorithm>
#include <memory>

namespace lockstep::hub
{

void Judgement::judge(const Interests &interests)
{
	for (std::uint32_t t = 0; t < batch_.transactions.size(); ++t) {
		const std::vector<Change> &changes = batch_.transactions[t].changes;
		for (std::uint32_t c = 0; c < changes.size(); ++c) {
			const auto found = interests.find(changes[c].relid);
			if (found == interests.end())
				continue;
			for (const Interest &interest : found->second)
				judge_change(interest, t, c);
		}
	}
}

void Judgement::judge_change(const Interest &interest, std::uint32_t transaction, std::uint32_t change_at)
{
	const Change &change = batch_.transactions[transaction].changes[change_at];
	if (change.op == Change::Op::truncate || change.op == Change::Op::schema) {
		for (Subscription *subscription : interest.all())
			items_.push_back({transaction, change_at, subscription, {}, {}, -1});
		return;
	}
	const Table &table = *interest.table();
	const bool has_before = change.op != Change::Op::insert;
	const bool has_after = change.op != Change::Op::erase;
	const std::string_view overlay = change.op == Change::Op::update ? change.old : std::string_view();
	const bool whole = (!has_before || before_.assign(table, change.row, overlay)) &&
		(!has_after || after_.assign(table, change.row));
	concerned_.clear();
	interest.concerned(has_before ? &before_ : nullptr, has_after ? &after_ : nullptr, concerned_);
	for (Subscription *subscription : concerned_) {
		Item item{transaction, change_at, subscription, {}, {}, -1};
		if (has_before)
			item.before = judge_side(item, before_);
		if (has_after)
			item.after = judge_side(item, after_);
		const bool blind = !whole || item.before.verdict == Filter::Verdict::blind ||
			item.after.verdict == Filter::Verdict::blind;
		if (blind && std::find(blind_.begin(), blind_.end(), subscription) == blind_.end())
			blind_.push_back(subscription);
		if (!blind &&
			(item.before.verdict != Filter::Verdict::no || item.after.verdict != Filter::Verdict::no))
			items_.push_back(item);
	}
}

Judgement::Side Judgement::judge_side(Item &item, const RowImage &image)
{
	const Spec &spec = *item.subscription->spec;
	Side side{spec.filter().judge(image), -1};
	if (side.verdict != Filter::Verdict::ask)
		return side;
	if (item.question < 0) {
		const auto known = std::find_if(questions_.begin(), questions_.end(),
			[&](const Question &question) { return question.subscription == item.subscription; });
		item.question = static_cast<std::int32_t>(known - questions_.begin());
		if (known == questions_.end())
			questions_.push_back({item.subscription, {}, {}});
	}
	Question &question = questions_[static_cast<std::size_t>(item.question)];
	side.slot = static_cast<std::int32_t>(question.images.size());
	question.images.push_back(image.text(spec.table()));
	return side;
}

bool Judgement::matched(const Item &item, const Side &side) const
{
	if (side.verdict != Filter::Verdict::ask)
		return side.verdict == Filter::Verdict::yes;
	const Question &question = questions_[static_cast<std::size_t>(item.question)];
	return question.answers.at(static_cast<std::size_t>(side.slot));
}

void Judgement::write_item(
	ChangesWriter &writer, const Item &item, const RowImage &row, const NewSpecs &new_specs)
{
	const Change &change = batch_.transactions[item.transaction].changes[item.change];
	switch (change.op) {
	case Change::Op::truncate:
		writer.truncate();
		return;
	case Change::Op::schema: {
		const auto now = new_specs.find(item.subscription->id);
		if (now != new_specs.end() && now->second)
			writer.schema(*now->second);
		return;
	}
	default:
		break;
	}
	const bool before = matched(item, item.before);
	const bool after = matched(item, item.after);
	const bool update = change.op == Change::Op::update;
	if (before || after)
		writer.row_change(change, row, update && !before, update && !after);
}

std::vector<ChangesPtr> Judgement::write(std::size_t max_frame_bytes, const NewSpecs &new_specs)
{
	struct Open {
		std::unique_ptr<ChangesWriter> writer;
		std::uint32_t transaction = 0;
	};
	std::unordered_map<SubscriptionId, std::size_t> places;
	std::vector<Open> open;
	RowImage row;
	const Table *row_table = nullptr;
	const Change *row_change = nullptr;
	for (const Item &item : items_) {
		if (std::find(blind_.begin(), blind_.end(), item.subscription) != blind_.end())
			continue;
		const Transaction &transaction = batch_.transactions[item.transaction];
		const auto [place, fresh] = places.try_emplace(item.subscription->id, open.size());
		if (fresh) {
			open.push_back(
				{std::make_unique<ChangesWriter>(*item.subscription, max_frame_bytes, batch_.before),
					item.transaction});
			open.back().writer->begin(transaction);
		}
		Open &target = open[place->second];
		if (target.transaction != item.transaction) {
			target.writer->end();
			target.writer->begin(transaction);
			target.transaction = item.transaction;
		}
		const Change &change = transaction.changes[item.change];
		const Table &table = item.subscription->spec->table();
		if (row_change != &change || row_table != &table) { // items come by change: one scan serves all
			row.assign(table, change.row);
			row_change = &change;
			row_table = &table;
		}
		write_item(*target.writer, item, row, new_specs);
	}
	std::vector<ChangesPtr> result;
	for (Open &entry : open) {
		entry.writer->end();
		for (ChangesPtr &changes : entry.writer->finish(batch_.after))
			result.push_back(std::move(changes));
	}
	return result;
}

} // namespace lockstep::hub

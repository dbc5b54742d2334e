// From a batch to frames, in two steps: judge which changes each subscription sees, then write them. In between
// PostgreSQL may be asked what only it can judge.
#pragma once

#include "hub/change.hpp"
#include "hub/changes_frame.hpp"
#include "hub/interest.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace lockstep::hub
{

/// Rows that PostgreSQL has to judge with one subscription's filter.
struct Question {
	Subscription *subscription = nullptr;
	std::vector<std::string> images; // JSON
	std::vector<bool> answers;       // one for each image: does it match?
};

/// Which changes of a batch which subscriptions see.
/// Distinct objects: safe. Shared object: only from one thread; the subscriptions must outlive it.
class Judgement {
public:
	explicit Judgement(const Batch &batch) : batch_(batch) {}

	/// Judges all changes for the subscriptions of `interests`, found by relid.
	using Interests = std::unordered_map<std::uint32_t, std::vector<Interest>>;
	void judge(const Interests &interests);

	/// To be answered before write().
	std::vector<Question> &questions() { return questions_; }
	/// Subscriptions for which an image lacked what their filter looks at: their clients must fetch anew.
	const std::vector<Subscription *> &blind() const { return blind_; }

	/// Subscriptions whose table changed its shape, with the spec that they have from then on (null: none).
	using NewSpecs = std::unordered_map<SubscriptionId, SpecPtr>;
	/// The frames, in feed order for each subscription.
	std::vector<ChangesPtr> write(std::size_t max_frame_bytes, const NewSpecs &new_specs);

private:
	struct Side {
		Filter::Verdict verdict = Filter::Verdict::no;
		std::int32_t slot = -1; // of the answer
	};
	struct Item {
		std::uint32_t transaction = 0;
		std::uint32_t change = 0;
		Subscription *subscription = nullptr;
		Side before;
		Side after;
		std::int32_t question = -1;
	};

	void judge_change(const Interest &interest, std::uint32_t transaction, std::uint32_t change);
	Side judge_side(Item &item, const RowImage &image);
	bool matched(const Item &item, const Side &side) const;
	void write_item(ChangesWriter &writer, const Item &item, const RowImage &row, const NewSpecs &new_specs);

	const Batch &batch_;
	std::vector<Item> items_;
	std::vector<Question> questions_;
	std::vector<Subscription *> blind_;
	RowImage before_;
	RowImage after_;
	std::vector<Subscription *> concerned_;
};

} // namespace lockstep::hub

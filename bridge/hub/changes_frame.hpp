// Frames of changes: built once per subscription and batch, shared by all its sessions.
#pragma once

#include "hub/change.hpp"
#include "hub/subscription.hpp"
#include "wire/frame.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::hub
{

/// One frame of changes, with what is needed to make a session's own of it. Immutable; safe to share between threads.
struct Changes {
	struct Slice { // one transaction's text in the payload
		wire::Xid xid = 0;
		std::size_t begin = 0;
		std::size_t end = 0;
	};

	SubscriptionId subscription = 0;
	wire::FramePtr frame;
	wire::PositionPtr before; // of whoever is to get this frame
	wire::PositionPtr after;  // once he has it. Where `more` is set: the same as `before`
	bool more = false;        // a piece of a transaction whose rest follows
	std::vector<Slice> slices;
};

using ChangesPtr = std::shared_ptr<const Changes>;

/// The same without the transactions that `seen` has seen, for a session that stood at `seen` before. Null where
/// nothing is left.
ChangesPtr without(const Changes &changes, const wire::PositionPtr &seen);

/// Collects the changes of one subscription, transaction by transaction, into frames of at most `max_bytes` (as far
/// as single changes allow).
class ChangesWriter {
public:
	ChangesWriter(const Subscription &subscription, std::size_t max_bytes, wire::PositionPtr before);

	void begin(const Transaction &transaction);
	/// `row`: the image after the change (before it, of a delete); `leaving` and `entering`: how a filter sees it.
	void row_change(const Change &change, const RowImage &row, bool entering, bool leaving);
	void truncate();
	void schema(const Spec &now);
	void end();

	/// All frames; the last one leads to `after`.
	std::vector<ChangesPtr> finish(const wire::PositionPtr &after);
	std::size_t changes() const { return changes_; }

private:
	void append_row(const Change &change, const RowImage &row, bool only_changed);
	void append_old(const Change &change);
	void start_frame();
	void finish_frame(const wire::PositionPtr &after, bool more);
	void write_whole();
	void write_pieces();

	SubscriptionId subscription_;
	SpecPtr spec_;
	std::size_t max_bytes_;
	std::string prefix_;
	wire::PositionPtr reached_; // by the frames finished so far
	const Transaction *transaction_ = nullptr;
	wire::PositionPtr last_written_; // position after the last transaction in the open frame
	std::string text_;               // the open transaction's changes, comma-separated
	std::vector<std::size_t> ends_;
	std::string frame_; // the open frame; empty: none
	bool last_piece_open_ =
		false; // it holds the last piece of a split transaction, and nothing else may join
	std::vector<Changes::Slice> slices_;
	std::vector<ChangesPtr> finished_;
	std::size_t changes_ = 0;
};

} // namespace lockstep::hub

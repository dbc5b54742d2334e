// What one session still has to be told about one subscription.
#pragma once

#include "hub/changes_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::net
{

/// Numbers a piece of work (a snapshot, a catch-up) for one session and subscription; what a superseded one still
/// brings is not sent. Unique in the process.
using Ticket = std::uint64_t;
Ticket next_ticket();

/// Joins what was read for one session (a snapshot, a catch-up) with the shared frames, so that each transaction
/// arrives exactly once.
///
///     holding ──settle()──▶ settling ──feed covers it──▶ live
///        ▲                                                │ lapse(): the queue was dropped
///        └───────────────── hold() ◀──── lapsed ◀─────────┘
///
/// Shared object: only from the session's shard.
class Tail {
public:
	enum class Phase : std::uint8_t {
		holding,  // work is under way: live frames are kept back
		settling, // they are sent without what the client has seen already
		live,     // they are sent as they are
		lapsed    // they are not sent: the client has to be caught up from resume()
	};

	Tail(hub::SubscriptionId subscription, std::string name, std::size_t max_held_bytes)
		: subscription_(subscription), name_(std::move(name)), max_held_bytes_(max_held_bytes)
	{
	}

	enum class Work : std::uint8_t {
		snapshot, // for one more subscribe: once it is done, what the client had, or missed, no longer counts
		refetch,  // a snapshot that the client was told to wait for: what it had counts no longer from now on
		resume,   // reads what came since reads_from()
		catch_up  // reads what came since resume()
	};
	/// `feed`: how far the feed's frames came. `since`: the position that the client named for a resume.
	void hold(Ticket ticket, Work work, const wire::PositionPtr &feed, wire::PositionPtr since = nullptr);
	/// The work under way has told the client to fetch anew: it is a snapshot from now on.
	void start_over();
	/// The work will not be done: goes on from where the tail stood before, and returns what is to be sent. Not where
	/// a refetch is owed.
	std::vector<hub::ChangesPtr> call_off(const wire::PositionPtr &feed);
	/// The work is done: the client has got all that `seen` sees; the feed stands at `feed`. Returns what was kept
	/// back and is to be sent.
	std::vector<hub::ChangesPtr> settle(wire::PositionPtr seen, const wire::PositionPtr &feed);

	/// A live frame came: what is to be sent of it now (null: nothing).
	hub::ChangesPtr take(const hub::ChangesPtr &changes);
	/// All frames up to `feed` came.
	void advance(const wire::PositionPtr &feed);

	/// Frames were dropped: the client has got what `resume` sees.
	void lapse(wire::PositionPtr resume);
	/// Frames that were sent under `ticket` were dropped, and the client had got what `resume` sees before them. True
	/// where that makes the tail lapse.
	bool lose(Ticket ticket, const wire::PositionPtr &resume);

	hub::SubscriptionId subscription() const { return subscription_; }
	const std::string &name() const { return name_; }
	Phase phase() const { return phase_; }
	Ticket ticket() const { return ticket_; }
	/// Where a lapsed tail, or one whose work may be called off, goes on from. Null: nowhere, only a snapshot helps.
	const wire::PositionPtr &resume() const { return resume_; }
	/// From where a resume has to read for all who share the tail.
	const wire::PositionPtr &reads_from() const { return reads_from_; }
	/// Has the client been told to wait for a snapshot?
	bool refetching() const { return phase_ == Phase::holding && !resume_ && !first_; }
	/// What the client has got of it, once its queue is sent. Null: it waits for a snapshot.
	wire::PositionPtr reached(const wire::PositionPtr &feed) const;
	std::size_t held_bytes() const { return held_bytes_; }

private:
	void release_held();
	hub::ChangesPtr unseen(const hub::Changes &changes);

	hub::SubscriptionId subscription_;
	std::string name_;
	std::size_t max_held_bytes_;
	Phase phase_ = Phase::holding;
	Ticket ticket_ = 0;
	wire::PositionPtr seen_;   // settling: what the client has seen
	wire::PositionPtr resume_; // lapsed: what is owed begins here; holding: where it stood before the work
	bool owed_ = false;        // holding: what came after resume_ was not kept back in full
	Work work_ = Work::snapshot;
	bool first_ = true;              // nothing has been settled yet
	wire::PositionPtr reads_from_;   // resume: from where it reads
	Ticket last_snapshot_ = 0;       // what was sent before the last snapshot is worth nothing
	Ticket last_resume_ = 0;         // what was sent before the last resume …
	wire::PositionPtr resumed_from_; // … it has sent again from here
	std::vector<hub::ChangesPtr> held_;
	std::size_t held_bytes_ = 0;
	bool overflowed_ = false; // too much came while holding: it was let go
};

} // namespace lockstep::net

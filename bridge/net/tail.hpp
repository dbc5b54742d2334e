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
		snapshot, // starts over: what the client had, or missed, no longer counts
		resume,   // reads what came since a position that the client named
		catch_up  // reads what came since resume()
	};
	void hold(Ticket ticket, Work work);
	/// The work is done: the client has got all that `seen` sees; the feed stands at `feed`. Returns what was kept
	/// back and is to be sent.
	std::vector<hub::ChangesPtr> settle(wire::PositionPtr seen, const wire::PositionPtr &feed);

	/// A live frame came: what is to be sent of it now (null: nothing).
	hub::ChangesPtr take(const hub::ChangesPtr &changes);
	/// All frames up to `feed` came.
	void advance(const wire::PositionPtr &feed);

	/// Frames were dropped: the client has got what `resume` sees.
	void lapse(wire::PositionPtr resume);

	hub::SubscriptionId subscription() const { return subscription_; }
	const std::string &name() const { return name_; }
	Phase phase() const { return phase_; }
	Ticket ticket() const { return ticket_; }
	const wire::PositionPtr &resume() const { return resume_; }
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
	wire::PositionPtr resume_; // from where there is still something owed
	bool owed_ = false;        // … even after the work that is under way
	std::vector<hub::ChangesPtr> held_;
	std::size_t held_bytes_ = 0;
	bool overflowed_ = false; // too much came while holding: it was let go
};

} // namespace lockstep::net

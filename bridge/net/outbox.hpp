// What waits to be sent to one session.
#pragma once

#include "hub/subscription.hpp"
#include "net/tail.hpp"
#include "wire/frame.hpp"
#include "wire/position.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace lockstep::net
{

/// A queue of frames, gathered into few system calls, from which live changes can be dropped when the session is slow.
/// Shared object: only from the session's shard.
class Outbox {
public:
	/// A frame that must arrive: an answer, a part of a snapshot or a catch-up.
	void push(wire::FramePtr frame);
	/// A frame of live changes. It may be dropped; then the session goes on from `before`. `ticket`: the work that it
	/// comes after.
	void push_live(hub::SubscriptionId subscription, Ticket ticket, wire::FramePtr frame,
		wire::PositionPtr before, bool more);
	/// A position message: dropped without loss, but never kept where changes before it were dropped.
	void push_position(wire::FramePtr frame);

	bool empty() const { return items_.empty(); }
	/// All that is queued, and the part of it that cannot be dropped.
	std::size_t bytes() const { return bytes_; }
	std::size_t firm_bytes() const { return firm_bytes_; }

	/// Fills `out` with what is to be sent next.
	std::size_t gather(std::span<iovec> out) const;
	/// Takes away what has been sent. Returns how many frames went out whole.
	std::size_t consume(std::size_t sent);

	struct Lost {
		hub::SubscriptionId subscription;
		Ticket ticket;
		wire::PositionPtr resume; // what the client has got of it, once the rest of the queue is sent
	};
	/// Drops live changes, except the frame that is partly written and the rest of a transaction whose first pieces
	/// the client has got. Tells the first loss of each subscription and ticket, in order.
	std::vector<Lost> drop();

	/// The subscription has ended: what is left of its live changes is not sent.
	void forget(hub::SubscriptionId subscription);

private:
	struct Item {
		wire::FramePtr frame;
		hub::SubscriptionId subscription = 0;
		Ticket ticket = 0;
		wire::PositionPtr before;
		bool firm = true;
		bool more = false;
	};
	/// Subscriptions of which a transaction's pieces have been sent in part.
	using Split = std::vector<hub::SubscriptionId>;
	static void follow(Split &split, const Item &item);
	void add(Item item);
	template <class Keep> void filter(Keep keep);

	std::deque<Item> items_;
	std::size_t offset_ = 0; // bytes of the first item that are sent already
	std::size_t bytes_ = 0;
	std::size_t firm_bytes_ = 0;
	Split split_;
};

} // namespace lockstep::net

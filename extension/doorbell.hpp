// The doorbell: how a committing backend tells the worker of its database that the log has grown, without notifying by itself.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

enum class WorkerState : int {
	none,    // nobody asked for one yet, or it found no extension
	wanted,  // the launcher is to start one
	started, // the launcher did
	running, // it is there
	evicted  // it had to leave, as the database is being dropped, renamed or copied
};

/// One database that rings. In shared memory; changed under `BellBoard::mutex` but for `rung`.
struct Bell {
	Oid database; // InvalidOid: free
	WorkerState state;
	pid_t worker;
	Latch *latch; // of the worker, while running
	TimestampTz
		not_before; // the launcher waits until then: a worker that failed is not started at once again
	pg_atomic_uint32 rung;
};

struct BellBoard {
	LWLock *mutex;
	Latch *launcher; // NULL while there is none
	int count;
	Bell bells[FLEXIBLE_ARRAY_MEMBER];
};

/// NULL where the library is not preloaded.
BellBoard *bell_board();

/// The bell of a database; NULL where it has none (and `create` is false, or all are taken). Call under the mutex.
Bell *find_bell(Oid database, bool create);

/// After commit: wakes the worker, or asks the launcher for one. Never raises.
void ring_doorbell();

/// Before commit: where no worker can ring, and the setting says so, this transaction notifies by itself.
void notify_in_transaction();

/// Asks for a worker in this database, once this transaction commits or not: for a new extension.
void request_worker();

/// Called while the server starts.
void reserve_bell_board();

} // namespace lockstep

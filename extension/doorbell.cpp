#include "doorbell.hpp"

#include "settings.hpp"

namespace lockstep
{

namespace
{

/// How long a backend that found no free place waits before it looks again.
constexpr TimestampTz retry_us = 10 * INT64CONST(1000000);

BellBoard *board = nullptr;
Bell *own_bell = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

Size board_size()
{
	return add_size(offsetof(BellBoard, bells), mul_size(settings.max_databases, sizeof(Bell)));
}

void request_memory()
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(board_size());
	RequestNamedLWLockTranche("lockstep", 1);
}

void create_board()
{
	if (previous_startup_hook)
		previous_startup_hook();
	bool found;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	board = static_cast<BellBoard *>(ShmemInitStruct("lockstep bells", board_size(), &found));
	if (!found) {
		memset(board, 0, board_size());
		board->mutex = &GetNamedLWLockTranche("lockstep")->lock;
		board->count = settings.max_databases;
		for (int i = 0; i < board->count; ++i)
			pg_atomic_init_u32(&board->bells[i].rung, 0);
	}
	LWLockRelease(AddinShmemInitLock);
}

/// Asks the launcher for a worker unless one is there or on its way. Under the mutex.
void want_worker(Bell *bell)
{
	if (bell->state == WorkerState::none || bell->state == WorkerState::evicted) {
		bell->state = WorkerState::wanted;
		if (board->launcher)
			SetLatch(board->launcher);
	}
}

} // namespace

BellBoard *bell_board()
{
	return board;
}

Bell *find_bell(Oid database, bool create)
{
	Bell *unused = nullptr;
	for (int i = 0; i < board->count; ++i) {
		if (board->bells[i].database == database)
			return &board->bells[i];
		if (!unused && board->bells[i].database == InvalidOid)
			unused = &board->bells[i];
	}
	if (!create || !unused)
		return nullptr;
	unused->database = database;
	unused->state = WorkerState::none;
	unused->worker = 0;
	unused->latch = nullptr;
	unused->not_before = 0;
	pg_atomic_write_u32(&unused->rung, 0);
	return unused;
}

void ring_doorbell()
{
	if (!board || settings.doorbell == doorbell_off)
		return;
	// A worker that finds no extension gives the place away; then another has to be found.
	if (!own_bell || own_bell->database != MyDatabaseId) {
		static TimestampTz next_try = 0;
		const TimestampTz now = GetCurrentStatementStartTimestamp();
		if (now < next_try)
			return;
		LWLockAcquire(board->mutex, LW_EXCLUSIVE);
		own_bell = find_bell(MyDatabaseId, true);
		LWLockRelease(board->mutex);
		if (!own_bell) {
			next_try = now + retry_us;
			return; // too many databases: readers poll
		}
	}
	// Whoever finds the flag set leaves the rest to the one who set it.
	if (pg_atomic_exchange_u32(&own_bell->rung, 1) != 0 && own_bell->state == WorkerState::running)
		return;
	pg_memory_barrier();
	LWLockAcquire(board->mutex, LW_SHARED);
	const bool running = own_bell->database == MyDatabaseId && own_bell->state == WorkerState::running;
	if (running)
		SetLatch(own_bell->latch);
	LWLockRelease(board->mutex);
	if (!running)
		request_worker();
}

void notify_in_transaction()
{
	if (settings.doorbell == doorbell_transaction && !board)
		Async_Notify("lockstep", "");
}

void request_worker()
{
	if (!board || settings.doorbell == doorbell_off)
		return;
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	if (Bell *bell = find_bell(MyDatabaseId, true)) {
		pg_atomic_write_u32(&bell->rung, 1);
		// Whoever finds the flag set relies on this having been done.
		if (bell->state == WorkerState::running)
			SetLatch(bell->latch);
		want_worker(bell);
	}
	LWLockRelease(board->mutex);
}

void reserve_bell_board()
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = create_board;
}

} // namespace lockstep

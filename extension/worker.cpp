// The worker of one database: rings NOTIFY for all commits since the last ring, and has the chores done.

#include "worker.hpp"

#include "chores.hpp"
#include "doorbell.hpp"
#include "log_catalog.hpp"

#include "pg/server.hpp"

extern "C" {
PGDLLEXPORT void lockstep_worker_main(Datum);
}

namespace lockstep
{

namespace
{

/// At most one ring in this time; commits in between share the next.
constexpr long ring_interval_us = 1000;
/// Chores (the log's segments, old mutations) are looked after this often in any case, …
constexpr TimestampTz chores_interval_us = 60 * INT64CONST(1000000);
/// … this often while there are changes, …
constexpr TimestampTz look_interval_us = INT64CONST(1000000);
/// … and this often where they wait for somebody else.
constexpr TimestampTz patience_us = 10 * INT64CONST(1000000);

Oid database = InvalidOid;
bool come_back = false;      // another worker is to take the place at once
bool leave_for_good = false; // there is nothing to do here: not to be started again before someone asks

void at_exit(int code, Datum)
{
	end_chores();
	BellBoard *board = bell_board();
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	Bell *bell = find_bell(database, false);
	if (bell && bell->worker == MyProcPid) {
		bell->latch = nullptr;
		bell->worker = 0;
		if (bell->state != WorkerState::evicted) {
			// Someone may have rung between our last look and now: look again, under the lock that a ringer takes.
			const bool needed =
				!leave_for_good && (come_back || code != 0 || pg_atomic_read_u32(&bell->rung) != 0);
			bell->state = needed ? WorkerState::wanted : WorkerState::none;
			if (leave_for_good)
				bell->database = InvalidOid; // places are few
			if (needed && board->launcher)
				SetLatch(board->launcher);
		}
	}
	LWLockRelease(board->mutex);
}

/// False: the database has no use for a worker now.
bool take_place()
{
	BellBoard *board = bell_board();
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	Bell *bell = find_bell(database, false);
	const bool mine = bell && bell->state == WorkerState::started && bell->worker == 0;
	if (mine) {
		bell->state = WorkerState::running;
		bell->worker = MyProcPid;
		bell->latch = MyLatch;
	}
	LWLockRelease(board->mutex);
	return mine;
}

void begin()
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

void end()
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
}

bool extension_exists()
{
	begin();
	const bool exists = log_catalog_exists();
	end();
	return exists;
}

void ring()
{
	pgstat_report_activity(STATE_RUNNING, "NOTIFY lockstep");
	StartTransactionCommand();
	Async_Notify("lockstep", "");
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, nullptr);
}

/// When to look after the log.
struct Chores {
	TimestampTz next;         // they are done now and then, whatever is due
	TimestampTz next_look;    // and before that, where something is due
	TimestampTz next_patient; // what may have to wait for others is not tried all the time
	bool may_be_due;          // there was a change since the last look, or something was left to do
	int defaults;             // of the session's settings, as it began
};

/// Returns false where this worker is to end: the extension is gone, or the settings it began with are.
bool look_after_log(Chores &chores)
{
	const TimestampTz now = GetCurrentTimestamp();
	const bool is_time = now >= chores.next;
	if (!is_time && (!chores.may_be_due || now < chores.next_look))
		return true;
	if (!extension_exists()) {
		leave_for_good = true;
		return false;
	}
	// A setting that is taken back cannot be taken back in a session that began with it.
	if (session_defaults() != chores.defaults) {
		come_back = true;
		return false;
	}
	const int due = chores_due();
	if (is_time)
		chores.next = now + chores_interval_us;
	if ((is_time || due == 2 || (due == 1 && now >= chores.next_patient)) && !start_chores(database)) {
		ereport(LOG, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			errmsg("could not start the process that looks after the change log of database %u", database),
			errhint("You might need to increase max_worker_processes."));
		chores.next_look = now + patience_us;
		chores.may_be_due = true;
		return true;
	}
	if (due == 1 && now >= chores.next_patient)
		chores.next_patient = now + patience_us;
	chores.next_look = due == 1 ? Min(chores.next_patient, now + patience_us) : now + look_interval_us;
	chores.may_be_due = due != 0;
	return true;
}

/// Rings whenever the bell is set, until the server or someone else asks to end, or the extension is dropped.
void serve(Bell *bell)
{
	Chores chores{};
	chores.defaults = session_defaults();
	TimestampTz last_ring = 0;
	while (!ShutdownRequestPending) {
		// First the latch, then the flag: a ring between the two sets the latch again.
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending) {
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			chores.may_be_due = true;
		}
		if (!look_after_log(chores))
			return;
		const TimestampTz now = GetCurrentTimestamp();
		if (pg_atomic_read_u32(&bell->rung) != 0) {
			if (now - last_ring < ring_interval_us && now >= last_ring) {
				pg_usleep(ring_interval_us - (now - last_ring));
				continue;
			}
			pg_atomic_write_u32(&bell->rung, 0);
			pg_memory_barrier();
			ring();
			last_ring = GetCurrentTimestamp();
			chores.may_be_due = true;
			continue;
		}
		const TimestampTz wake = chores.may_be_due ? Min(chores.next, chores.next_look) : chores.next;
		const long wait_ms = Max(wake - now, 0) / 1000 + 1;
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait_ms, PG_WAIT_EXTENSION);
	}
}

} // namespace

} // namespace lockstep

using namespace lockstep;

extern "C" void lockstep_worker_main(Datum argument)
{
	database = DatumGetObjectId(argument);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	if (!take_place())
		proc_exit(0);
	before_shmem_exit(at_exit, 0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	// A ring need not be durable.
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_OVERRIDE);
	// Whatever the database's defaults are.
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);

	if (!extension_exists()) {
		leave_for_good = true;
		proc_exit(0);
	}
	LWLockAcquire(bell_board()->mutex, LW_SHARED);
	Bell *bell = find_bell(database, false);
	LWLockRelease(bell_board()->mutex);
	serve(bell);
	proc_exit(0);
}

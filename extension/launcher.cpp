// The launcher: starts a worker in each database once at start (which leaves again where there is no extension), and later where
// one is asked for.

#include "doorbell.hpp"
#include "worker.hpp"

#include "pg/server.hpp"

extern "C" {
PGDLLEXPORT void lockstep_launcher_main(Datum);
}

namespace lockstep
{

namespace
{

/// A worker that ends with an error is started again after this long.
constexpr int restart_delay_ms = 1000;
/// A worker that has not shown up after this long was not started.
constexpr int start_deadline_ms = 30 * 1000;

void at_exit(int, Datum)
{
	BellBoard *board = bell_board();
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	board->launcher = nullptr;
	LWLockRelease(board->mutex);
}

/// Asks for a worker in every database that accepts connections.
void want_workers_everywhere()
{
	StartTransactionCommand();
	Relation databases = table_open(DatabaseRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(databases, InvalidOid, false, nullptr, 0, nullptr);
	while (HeapTuple tuple = systable_getnext(scan)) {
		auto *database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
		if (!database->datallowconn || database->datistemplate)
			continue;
		BellBoard *board = bell_board();
		LWLockAcquire(board->mutex, LW_EXCLUSIVE);
		if (Bell *bell = find_bell(database->oid, true); bell && bell->state == WorkerState::none)
			bell->state = WorkerState::wanted;
		LWLockRelease(board->mutex);
	}
	systable_endscan(scan);
	table_close(databases, AccessShareLock);
	CommitTransactionCommand();
}

BackgroundWorker make_process(const char *kind)
{
	BackgroundWorker worker{};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker.bgw_library_name, "lockstep", sizeof(worker.bgw_library_name));
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "lockstep_%s_main", kind);
	snprintf(worker.bgw_type, BGW_MAXLEN, "lockstep %s", kind);
	return worker;
}

/// Starts the workers that are wanted. Returns how long to wait at most, in milliseconds; -1: until someone asks.
long start_wanted_workers()
{
	BellBoard *board = bell_board();
	long wait = -1;
	for (int i = 0; i < board->count; ++i) {
		Bell &bell = board->bells[i];
		const TimestampTz now = GetCurrentTimestamp();
		LWLockAcquire(board->mutex, LW_EXCLUSIVE);
		const Oid database = bell.database;
		bool start = OidIsValid(database) && bell.state == WorkerState::wanted;
		// One that never came: the server could not start it, and tells nobody.
		if (OidIsValid(database) && bell.state == WorkerState::started &&
			now > bell.not_before + start_deadline_ms * INT64CONST(1000)) {
			bell.state = WorkerState::wanted;
			start = true;
		}
		if (start && bell.not_before > now) {
			const long left = (bell.not_before - now) / 1000 + 1;
			wait = wait < 0 ? left : Min(wait, left);
			start = false;
		}
		if (start) {
			bell.state = WorkerState::started;
			bell.not_before = now + restart_delay_ms * INT64CONST(1000);
		}
		LWLockRelease(board->mutex);
		if (start && !start_process("worker", database, nullptr)) {
			// No free slot (max_worker_processes): try again later.
			LWLockAcquire(board->mutex, LW_EXCLUSIVE);
			if (bell.database == database && bell.state == WorkerState::started)
				bell.state = WorkerState::wanted;
			LWLockRelease(board->mutex);
			ereport(LOG, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("could not start a lockstep worker for database %u", database),
				errhint("You might need to increase max_worker_processes."));
			wait = wait < 0 ? 10 * restart_delay_ms : Min(wait, 10 * restart_delay_ms);
		}
	}
	return wait;
}

} // namespace

bool start_process(const char *kind, Oid database, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = make_process(kind);
	worker.bgw_restart_time = BGW_NEVER_RESTART; // who starts it sees to that
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s for database %u", worker.bgw_type, database);
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

void register_launcher()
{
	BackgroundWorker worker = make_process("launcher");
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_name, worker.bgw_type, BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

} // namespace lockstep

using namespace lockstep;

extern "C" void lockstep_launcher_main(Datum)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(nullptr, nullptr, 0); // shared catalogues only

	BellBoard *board = bell_board();
	before_shmem_exit(at_exit, 0);
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	board->launcher = MyLatch;
	LWLockRelease(board->mutex);

	want_workers_everywhere();
	while (!ShutdownRequestPending) {
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending) {
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		const long wait = start_wanted_workers();
		WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (wait >= 0 ? WL_TIMEOUT : 0), wait,
			PG_WAIT_EXTENSION);
	}
	proc_exit(1); // anything else would unregister it: someone may have sent it away by mistake
}

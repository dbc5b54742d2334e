#include "chores.hpp"

#include "log_catalog.hpp"
#include "worker.hpp"

extern "C" {
PGDLLEXPORT void lockstep_chores_main(Datum);
}

namespace lockstep
{

namespace
{

BackgroundWorkerHandle *process = nullptr;

/// Runs a statement in a transaction of its own, and returns the number that it selects; 0 where it fails, which is told in the server's log.
int run(const char *statement)
{
	MemoryContext context = CurrentMemoryContext;
	volatile int result = 0;
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		pgstat_report_activity(STATE_RUNNING, statement);
		SPI_connect();
		SPI_execute(statement, false, 0);
		bool is_null = true;
		if (SPI_processed == 1 && SPI_tuptable) {
			const Datum datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
			result = is_null ? 0 : DatumGetInt32(datum);
		}
		SPI_finish();
		PopActiveSnapshot();
		CommitTransactionCommand();
		pgstat_report_stat(true);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		result = 0;
	}
	PG_END_TRY();
	pgstat_report_activity(STATE_IDLE, nullptr);
	return result;
}

} // namespace

int chores_due()
{
	return run("SELECT lockstep.chores_due()");
}

int session_defaults()
{
	return run(
		"SELECT hashtext(string_agg(s::text, ' ' ORDER BY s.setdatabase, s.setrole)) FROM pg_db_role_setting "
		"s "
		"WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) "
		"AND s.setrole IN (0, (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user))");
}

bool start_chores(Oid database)
{
	pid_t pid;
	if (process) {
		const BgwHandleStatus status = GetBackgroundWorkerPid(process, &pid);
		if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
			return true;
		pfree(process);
		process = nullptr;
	}
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	const bool is_started = start_process("chores", database, &process);
	MemoryContextSwitchTo(caller);
	if (!is_started)
		process = nullptr;
	return is_started;
}

void end_chores()
{
	if (process)
		TerminateBackgroundWorker(process);
}

} // namespace lockstep

using namespace lockstep;

extern "C" void lockstep_chores_main(Datum argument)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(argument), InvalidOid, 0);
	// Whatever the database's defaults are. Others wait for what is locked here, so a commit does not wait for the disk.
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_USERSET, PGC_S_OVERRIDE);

	StartTransactionCommand();
	const bool exists = log_catalog_exists();
	CommitTransactionCommand();
	if (exists) {
		run("SELECT lockstep.rotate_segment()::integer");
		// One in a transaction: what is locked is free again soon.
		while (run("SELECT lockstep.close_segments(1)") > 0)
			;
		while (run("SELECT lockstep.retire_segments(1)") > 0)
			;
		run("SELECT 0 FROM lockstep.forget_mutations()");
	}
	proc_exit(0);
}

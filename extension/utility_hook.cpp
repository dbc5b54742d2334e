// What must happen around utility commands: COMMIT PREPARED rings, and workers leave databases that are to be dropped, renamed,
// moved or copied (the server refuses these while anyone is connected).

#include "doorbell.hpp"
#include "log_catalog.hpp"
#include "worker.hpp"

#include "pg/server.hpp"

namespace lockstep
{

namespace
{

ProcessUtility_hook_type previous_hook = nullptr;

/// The server itself waits as long for others to leave.
constexpr int eviction_timeout_ms = 5000;

/// The database that a command needs for itself, by name; NULL: none.
const char *database_needed(Node *command)
{
	switch (nodeTag(command)) {
	case T_DropdbStmt:
		return reinterpret_cast<DropdbStmt *>(command)->dbname;
	case T_RenameStmt: {
		auto *rename = reinterpret_cast<RenameStmt *>(command);
		return rename->renameType == OBJECT_DATABASE ? rename->subname : nullptr;
	}
	case T_AlterDatabaseStmt: {
		auto *alter = reinterpret_cast<AlterDatabaseStmt *>(command);
		ListCell *cell;
		foreach (cell, alter->options)
			if (strcmp(lfirst_node(DefElem, cell)->defname, "tablespace") == 0)
				return alter->dbname;
		return nullptr;
	}
	case T_CreatedbStmt: {
		auto *create = reinterpret_cast<CreatedbStmt *>(command);
		ListCell *cell;
		foreach (cell, create->options) {
			auto *option = lfirst_node(DefElem, cell);
			if (strcmp(option->defname, "template") == 0 && option->arg && IsA(option->arg, String))
				return strVal(option->arg);
		}
		return "template1";
	}
	default:
		return nullptr;
	}
}

/// May the caller do what needs the database? (The command itself checks in full; this keeps others from sending workers away.)
bool may_evict(Oid database, bool as_template)
{
	if (superuser())
		return true;
	if (as_template) {
		HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
		const bool may_create =
			HeapTupleIsValid(role) && reinterpret_cast<Form_pg_authid>(GETSTRUCT(role))->rolcreatedb;
		if (HeapTupleIsValid(role))
			ReleaseSysCache(role);
		return may_create;
	}
	return owns_database(database, GetUserId());
}

pid_t worker_of(Oid database)
{
	BellBoard *board = bell_board();
	LWLockAcquire(board->mutex, LW_SHARED);
	Bell *bell = find_bell(database, false);
	const pid_t worker = bell ? bell->worker : 0;
	LWLockRelease(board->mutex);
	return worker;
}

/// Sends the worker away and waits until it is gone. It comes back as soon as the command has ended.
void evict(Oid database)
{
	BellBoard *board = bell_board();
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	Bell *bell = find_bell(database, false);
	if (bell) {
		bell->state = WorkerState::evicted;
		if (bell->worker)
			kill(bell->worker, SIGTERM);
	}
	LWLockRelease(board->mutex);
	for (int waited = 0; waited < eviction_timeout_ms && worker_of(database) != 0; waited += 10) {
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10 * 1000);
	}
}

/// After the command: the worker may come back, or its place is free.
void readmit(Oid database, bool gone)
{
	BellBoard *board = bell_board();
	LWLockAcquire(board->mutex, LW_EXCLUSIVE);
	Bell *bell = find_bell(database, false);
	if (bell && bell->state == WorkerState::evicted) {
		if (gone)
			bell->database = InvalidOid;
		bell->state = gone || bell->worker ? WorkerState::none : WorkerState::wanted;
		if (board->launcher)
			SetLatch(board->launcher);
	}
	LWLockRelease(board->mutex);
}

void process_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
	ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
	DestReceiver *destination, QueryCompletion *completion)
{
	auto run = [&] {
		if (previous_hook)
			previous_hook(
				statement, query, read_only_tree, context, parameters, environment, destination, completion);
		else
			standard_ProcessUtility(
				statement, query, read_only_tree, context, parameters, environment, destination, completion);
	};
	Node *command = statement->utilityStmt;
	const bool commit_prepared = IsA(command, TransactionStmt) &&
		reinterpret_cast<TransactionStmt *>(command)->kind == TRANS_STMT_COMMIT_PREPARED;
	// Only where there is something to hear: another database would start a worker for nothing.
	const bool ring_after = commit_prepared && log_catalog_exists();
	const char *name = bell_board() ? database_needed(command) : nullptr;
	const Oid database = name ? get_database_oid(name, true) : InvalidOid;
	if (!OidIsValid(database) || !may_evict(database, IsA(command, CreatedbStmt))) {
		run();
		if (ring_after)
			ring_doorbell();
		return;
	}
	const bool is_drop = IsA(command, DropdbStmt);
	PG_TRY();
	{
		evict(database);
		run();
	}
	PG_CATCH();
	{
		readmit(database, false);
		PG_RE_THROW();
	}
	PG_END_TRY();
	readmit(database, is_drop);
}

} // namespace

void install_utility_hook()
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

} // namespace lockstep

// What users call to have a table tracked. Here the caller's rights are checked; the rest, in extension/install/50-tracking.sql, runs with
// those of the extension's owner, and nobody else may call it.

#include "doorbell.hpp"
#include "log_buffer.hpp"
#include "log_catalog.hpp"
#include "pg/server.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_track)
LOCKSTEP_SQL_FUNCTION(lockstep_untrack)
LOCKSTEP_SQL_FUNCTION(lockstep_log_schema_change)
LOCKSTEP_SQL_FUNCTION(lockstep_on_drop_extension)
LOCKSTEP_SQL_FUNCTION(lockstep_worker_status)
LOCKSTEP_SQL_FUNCTION(lockstep_request_worker)

using namespace lockstep;

namespace
{

void require_ownership(Oid relation)
{
	char *name = get_rel_name(relation);
	if (!name)
		ereport(
			ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table with OID %u does not exist", relation));
	if (!owns_relation(relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
}

Oid extension_owner()
{
	Relation tracked = table_open(log_catalog().tracked_table, AccessShareLock);
	const Oid owner = tracked->rd_rel->relowner;
	table_close(tracked, AccessShareLock);
	return owner;
}

/// Aborting the (sub-)transaction restores the user after an error.
void run_as_owner(const char *command, int count, Oid *types, Datum *values, const char *nulls)
{
	const Oid owner = extension_owner();
	Oid user;
	int security_context;
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(owner, security_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	const int code = SPI_execute_with_args(command, count, types, values, nulls, false, 0);
	if (code < 0)
		elog(ERROR, "could not execute \"%s\": %s", command, SPI_result_code_string(code));
	SPI_finish();
	SetUserIdAndSecContext(user, security_context);
}

/// Calls the function `name` with the arguments of this one, as the owner of lockstep's tables. The first is the table, which the caller
/// must own.
void call_as_owner(FunctionCallInfo fcinfo, const char *name)
{
	if (!PG_ARGISNULL(0))
		require_ownership(PG_GETARG_OID(0));
	Oid *types;
	int count;
	get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
	auto *values = palloc_array_of<Datum>(count);
	auto *nulls = palloc_array_of<char>(count);
	StringInfoData command;
	initStringInfo(&command);
	// Qualified name, exact types, no operator: nothing that the caller's search_path could turn aside.
	appendStringInfo(&command, "SELECT lockstep.%s(", name);
	for (int i = 0; i < count; ++i) {
		values[i] = fcinfo->args[i].value;
		nulls[i] = fcinfo->args[i].isnull ? 'n' : ' ';
		appendStringInfo(&command, i == 0 ? "$%d" : ", $%d", i + 1);
	}
	appendStringInfoChar(&command, ')');
	run_as_owner(command.data, count, types, values, nulls);
}

/// Does the command drop lockstep, perhaps among others?
bool drops_lockstep(Node *command)
{
	auto *drop = reinterpret_cast<DropStmt *>(command);
	if (!IsA(command, DropStmt) || drop->removeType != OBJECT_EXTENSION)
		return false;
	ListCell *cell;
	foreach (cell, drop->objects)
		if (strcmp(strVal(lfirst(cell)), "lockstep") == 0)
			return true;
	return false;
}

} // namespace

/// lockstep.track(table_name regclass, …)
extern "C" Datum lockstep_track(PG_FUNCTION_ARGS)
{
	call_as_owner(fcinfo, "track_as_owner");
	request_worker();
	PG_RETURN_VOID();
}

/// lockstep.untrack(table_name regclass, drop_version_column boolean)
extern "C" Datum lockstep_untrack(PG_FUNCTION_ARGS)
{
	call_as_owner(fcinfo, "untrack_as_owner");
	PG_RETURN_VOID();
}

/// lockstep.log_schema_change(relid oid)
extern "C" Datum lockstep_log_schema_change(PG_FUNCTION_ARGS)
{
	NewChange change{};
	change.op = Op::schema;
	change.root = PG_GETARG_OID(0);
	change.leaf = change.root;
	// One command may be seen by both event triggers.
	if (!last_change_is_schema(change.root, false))
		append_change(change);
	PG_RETURN_VOID();
}

/// lockstep.on_drop_extension() → event_trigger, at the start of DROP EXTENSION
extern "C" Datum lockstep_on_drop_extension(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.on_drop_extension() can only be called as an event trigger"));
	auto *trigger = reinterpret_cast<EventTriggerData *>(fcinfo->context);
	// Whoever may not drop it is told so by the command, and must not make others wait before.
	if (drops_lockstep(trigger->parsetree) && has_privs_of_role(GetUserId(), extension_owner()))
		run_as_owner("SELECT lockstep.lock_before_drop()", 0, nullptr, nullptr, nullptr);
	return PointerGetDatum(nullptr);
}

/// lockstep.worker_status() → text: 'running', 'starting', 'none', or NULL where the library is not preloaded
extern "C" Datum lockstep_worker_status(PG_FUNCTION_ARGS)
{
	BellBoard *board = bell_board();
	if (!board)
		PG_RETURN_NULL();
	LWLockAcquire(board->mutex, LW_SHARED);
	Bell *bell = find_bell(MyDatabaseId, false);
	const WorkerState state = bell ? bell->state : WorkerState::none;
	LWLockRelease(board->mutex);
	switch (state) {
	case WorkerState::running:
		PG_RETURN_TEXT_P(cstring_to_text("running"));
	case WorkerState::wanted:
	case WorkerState::started:
		PG_RETURN_TEXT_P(cstring_to_text("starting"));
	default:
		PG_RETURN_TEXT_P(cstring_to_text("none"));
	}
}

/// lockstep.request_worker(): asks the launcher for a worker in this database
extern "C" Datum lockstep_request_worker(PG_FUNCTION_ARGS)
{
	request_worker();
	PG_RETURN_VOID();
}

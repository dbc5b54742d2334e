// The C half of track() and untrack(): what needs the extension owner's rights, after the caller's own have been checked.

#include "doorbell.hpp"
#include "log_buffer.hpp"
#include "log_catalog.hpp"
#include "pg/server.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_require_ownership)
LOCKSTEP_SQL_FUNCTION(lockstep_register_table)
LOCKSTEP_SQL_FUNCTION(lockstep_unregister_table)
LOCKSTEP_SQL_FUNCTION(lockstep_log_schema_change)
LOCKSTEP_SQL_FUNCTION(lockstep_worker_status)
LOCKSTEP_SQL_FUNCTION(lockstep_request_worker)

using namespace lockstep;

namespace
{

/// Runs an SQL command as the owner of lockstep's tables. Aborting the (sub-)transaction restores the user after an error.
uint64 execute_as_owner(const char *command, int count, Oid *types, Datum *values, const char *nulls)
{
	Relation tracked = table_open(log_catalog().tracked_table, AccessShareLock);
	const Oid owner = tracked->rd_rel->relowner;
	table_close(tracked, AccessShareLock);
	Oid user;
	int security_context;
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(owner, security_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	const int code = SPI_execute_with_args(command, count, types, values, nulls, false, 0);
	if (code < 0)
		elog(ERROR, "could not execute \"%s\": %s", command, SPI_result_code_string(code));
	const uint64 processed = SPI_processed;
	SPI_finish();
	SetUserIdAndSecContext(user, security_context);
	return processed;
}

void require_ownership(Oid relation)
{
	char *name = get_rel_name(relation);
	if (!name)
		ereport(
			ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table with OID %u does not exist", relation));
#if PG_VERSION_NUM >= 160000
	const bool owns = object_ownercheck(RelationRelationId, relation, GetUserId());
#else
	const bool owns = pg_class_ownercheck(relation, GetUserId());
#endif
	if (!owns)
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
}

} // namespace

/// lockstep.require_ownership(regclass): an error unless the caller owns the table
extern "C" Datum lockstep_require_ownership(PG_FUNCTION_ARGS)
{
	require_ownership(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/// lockstep.register_table(regclass, key_columns name[], version_column name, exclude_columns name[], options jsonb)
extern "C" Datum lockstep_register_table(PG_FUNCTION_ARGS)
{
	const Oid relation = PG_GETARG_OID(0);
	require_ownership(relation);
	Oid types[] = {REGCLASSOID, NAMEARRAYOID, NAMEOID, NAMEARRAYOID, JSONBOID};
	Datum values[5];
	for (int i = 0; i < 5; ++i)
		values[i] = PG_GETARG_DATUM(i);
	execute_as_owner("SELECT lockstep.ensure_segment()", 0, nullptr, nullptr, nullptr);
	execute_as_owner("INSERT INTO lockstep.tracked_table (relation, key_columns, version_column, "
					 "exclude_columns, options) "
					 "VALUES ($1, $2, $3, $4, $5)",
		5, types, values, nullptr);
	execute_as_owner(
		"INSERT INTO lockstep.table_name (relid, table_name) VALUES ($1, lockstep.qualified_name($1)) "
		"ON CONFLICT (relid) DO UPDATE SET table_name = EXCLUDED.table_name",
		1, types, values, nullptr);
	CacheInvalidateRelcacheByRelid(relation);
	request_worker();
	PG_RETURN_VOID();
}

/// lockstep.unregister_table(regclass) → was it tracked?
extern "C" Datum lockstep_unregister_table(PG_FUNCTION_ARGS)
{
	const Oid relation = PG_GETARG_OID(0);
	require_ownership(relation);
	Oid types[] = {REGCLASSOID};
	Datum values[] = {PG_GETARG_DATUM(0)};
	const uint64 deleted =
		execute_as_owner("DELETE FROM lockstep.tracked_table WHERE relation = $1", 1, types, values, nullptr);
	if (deleted > 0) {
		NewChange change{};
		change.op = Op::schema;
		change.root = relation;
		change.leaf = relation;
		append_change(change);
		CacheInvalidateRelcacheByRelid(relation);
	}
	PG_RETURN_BOOL(deleted > 0);
}

/// lockstep.log_schema_change(relid oid): for the event triggers
extern "C" Datum lockstep_log_schema_change(PG_FUNCTION_ARGS)
{
	NewChange change{};
	change.op = Op::schema;
	change.root = PG_GETARG_OID(0);
	change.leaf = change.root;
	append_change(change);
	PG_RETURN_VOID();
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

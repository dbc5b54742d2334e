// The only door to the server's headers.
//
// Backend code here is C-like C++, compiled without exceptions and RTTI: an ereport() is a longjmp and skips
// destructors, so no object with a destructor may live across a server call, and no exception can exist that would have
// to cross into C. Memory is palloc'd; `core/` neither allocates nor throws.
//
// Include standard and core headers before this one: the server redefines names such as printf and _.
#pragma once

#include <type_traits>

// PostgreSQL 15 leaves it empty; with -fvisibility=hidden the server would not find our functions.
#ifndef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

extern "C" {
#include "postgres.h"

#include "access/detoast.h" // toast_raw_datum_size
#include "access/genam.h"
#include "access/heapam.h"
#include "access/heaptoast.h" // TOAST_TUPLE_THRESHOLD
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/timeline.h" // readTimeLineHistory
#include "access/transam.h"  // TransactionIdGetCommitLSN
#include "access/xact.h"     // RegisterXactCallback
#include "access/xlog.h"     // XLogFlush, GetSystemIdentifier
#include "access/xloginsert.h"
#include "access/xlogrecovery.h"  // GetCurrentReplayRecPtr
#include "access/xlog_internal.h" // SizeOfXLogLongPHD
#include "catalog/dependency.h"   // getExtensionOfObject
#include "catalog/index.h"        // BuildIndexInfo
#include "catalog/indexing.h"     // CatalogTupleInsert
#include "catalog/namespace.h"
#include "catalog/partition.h" // get_partition_ancestors
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_am.h" // BTREE_AM_OID
#include "catalog/pg_authid.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "commands/async.h" // Async_Notify
#include "commands/dbcommands.h"
#include "commands/extension.h" // get_extension_oid
#include "commands/event_trigger.h"
#include "commands/sequence.h" // nextval_internal
#include "commands/trigger.h"
#include "common/hashfn.h"     // hash_bytes_extended
#include "executor/executor.h" // ExecInitExpr
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h" // pg_verifymbstr
#include "miscadmin.h"
#include "nodes/makefuncs.h"     // makeFuncExpr
#include "optimizer/optimizer.h" // expression_planner
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "pgstat.h"
#include "pgtime.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h" // ConditionalLockRelationOid
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "tcop/utility.h" // ProcessUtility_hook
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h" // bytea_output
#include "utils/date.h"  // DatumGetDateADT
#include "utils/datum.h" // datum_image_eq
#include "utils/float.h" // extra_float_digits
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/json.h" // JsonEncodeDateTime
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/pg_lsn.h"
#include "utils/regproc.h" // format_procedure_qualified
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
#include "utils/datetime.h" // MAXDATELEN
#include "utils/wait_event.h"
#include "utils/xid8.h" // FullTransactionIdGetDatum
}

/// Declares a function that SQL can call; write its body as `extern "C" Datum name(PG_FUNCTION_ARGS) { … }`.
#define LOCKSTEP_SQL_FUNCTION(name)                                                                          \
	extern "C" {                                                                                             \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                                \
	PG_FUNCTION_INFO_V1(name);                                                                               \
	}

namespace lockstep
{

/// Guards against the trap named above: a type used across server calls must need no destructor.
template <class T>
concept SafeAcrossErrors = std::is_trivially_destructible_v<T>;

template <SafeAcrossErrors T> T *palloc_array_of(size_t count)
{
	return static_cast<T *>(palloc_extended(count * sizeof(T), MCXT_ALLOC_HUGE));
}

} // namespace lockstep

#include "pg/versions.hpp"

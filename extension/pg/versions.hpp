// What PostgreSQL 15 to 18 call or do differently, under one name; the rest of the extension asks for no version. server.hpp
// includes it.
#pragma once

#if PG_VERSION_NUM >= 180000
extern "C" {
#include "rewrite/rewriteHandler.h" // build_generation_expression
}
#endif

namespace lockstep
{

/// An index scan that nobody counts (EXPLAIN does, since 18).
inline IndexScanDesc begin_index_scan(Relation heap, Relation index, Snapshot snapshot, int key_count)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, nullptr, key_count, 0);
#else
	return index_beginscan(heap, index, snapshot, key_count, 0);
#endif
}

/// Tells an index that no more entries come for now.
inline void end_index_inserts([[maybe_unused]] Relation index, [[maybe_unused]] IndexInfo *info)
{
#if PG_VERSION_NUM >= 170000
	index_insert_cleanup(index, info);
#endif
}

inline bool owns_relation(Oid relation, Oid user)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relation, user);
#else
	return pg_class_ownercheck(relation, user);
#endif
}

inline bool owns_database(Oid database, Oid user)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, database, user);
#else
	return pg_database_ownercheck(database, user);
#endif
}

inline void set_file(xl_seq_rec &record, Relation relation)
{
#if PG_VERSION_NUM >= 160000
	record.locator = relation->rd_locator;
#else
	record.node = relation->rd_node;
#endif
}

/// Pins a buffer if it still holds the first page of this sequence.
inline bool pin_recent_buffer(const xl_seq_rec &sequence, Buffer buffer)
{
#if PG_VERSION_NUM >= 160000
	return ReadRecentBuffer(sequence.locator, MAIN_FORKNUM, 0, buffer);
#else
	return ReadRecentBuffer(sequence.node, MAIN_FORKNUM, 0, buffer);
#endif
}

/// The oldest transaction that the commit log still knows. Under XactTruncationLock.
inline TransactionId oldest_in_commit_log()
{
#if PG_VERSION_NUM >= 170000
	return TransamVariables->oldestClogXid;
#else
	return ShmemVariableCache->oldestClogXid;
#endif
}

/// attgenerated of a column that is computed each time it is read. No column has it before 18.
constexpr char attribute_generated_virtual = 'v';

/// What such a column is computed from. Its Vars have varno 1.
inline Expr *virtual_column_expression(Relation relation, AttrNumber column)
{
#if PG_VERSION_NUM >= 180000
	return reinterpret_cast<Expr *>(build_generation_expression(relation, column));
#else
	elog(ERROR, "column %d of \"%s\" cannot be virtual", column, RelationGetRelationName(relation));
#endif
}

} // namespace lockstep

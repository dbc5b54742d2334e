// The changes of this transaction that wait to be written to the log.
#pragma once

#include "log_tables.hpp"
#include "pg/server.hpp"

namespace lockstep
{

/// A change as the triggers hand it over. The images are in buffer_context(); the buffer owns them from then on.
struct NewChange {
	Op op;
	Oid root;
	Oid leaf;
	bool has_version;
	int64 version;
	Jsonb *key;     // NULL for a truncate or a schema change
	int64 key_hash; // key_hash(key)
	varlena *row;   // images (row_image.hpp)
	varlena *old;
	ArrayType *omitted;
	CommandId command; // the command of the transaction that changed the row
	/// The row may have been changed again already, by a trigger of another row of the same statement: then later changes of it were
	/// appended before this one.
	bool may_be_late;
};

/// Where to build the images of a change that is about to be appended.
MemoryContext buffer_context();

/// Takes the change over, and writes what waits when that is much.
void append_change(const NewChange &change);

/// Is the last change that waits a schema change of this table, or (`or_truncate`) a truncate?
bool last_change_is_schema(Oid root, bool or_truncate);

struct PendingChange; // log_writer.hpp

/// The changes that wait, in the order of writing.
int pending_count();
const PendingChange &pending_change(int index);

/// Writes what waits. Inside a sub-transaction only its own changes: the outer ones must survive if it is rolled back.
void flush_changes();

/// Transaction callbacks: flushing, discarding, and whether to ring the doorbell.
void register_log_buffer_callbacks();

} // namespace lockstep

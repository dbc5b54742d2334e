#include <algorithm>

#include "log_buffer.hpp"

#include "change_order.hpp"
#include "doorbell.hpp"
#include "era.hpp"
#include "log_cap.hpp"
#include "log_catalog.hpp"
#include "log_writer.hpp"
#include "origin.hpp"
#include "settings.hpp"
#include "shape.hpp"

namespace lockstep
{

namespace
{

// Changes stand in the order of writing. A sub-transaction's are always the last ones: while it runs, nothing else appends.
struct Buffer {
	MemoryContext context; // child of TopTransactionContext
	PendingChange *changes;
	int count;
	int capacity;
	Size bytes; // of all images that wait
	bool wrote; // something of this transaction is in the log, or was before a roll-back to a savepoint
};

Buffer buffer;

void reset()
{
	buffer = Buffer{};
	reset_order();
}

Size image_bytes(const PendingChange &change)
{
	Size bytes = sizeof(PendingChange);
	for (const void *image : {static_cast<const void *>(change.key), static_cast<const void *>(change.row),
			 static_cast<const void *>(change.old)})
		bytes += image ? VARSIZE(image) : 0;
	return bytes;
}

void release(PendingChange &change)
{
	buffer.bytes -= image_bytes(change);
	for (void *image : {static_cast<void *>(change.key), static_cast<void *>(change.row),
			 static_cast<void *>(change.old), static_cast<void *>(change.omitted)})
		if (image)
			pfree(image);
}

/// Index of the first change that belongs to `subtransaction` or one inside it. Sub-transactions are numbered as they begin, and the
/// changes of one that ended are its parent's, so the numbers never descend.
int first_of(SubTransactionId subtransaction)
{
	const PendingChange *end = buffer.changes + buffer.count;
	const PendingChange *first = std::lower_bound(static_cast<const PendingChange *>(buffer.changes), end,
		subtransaction,
		[](const PendingChange &change, SubTransactionId number) { return change.subtransaction < number; });
	return static_cast<int>(first - buffer.changes);
}

void drop_from(int first)
{
	for (int i = first; i < buffer.count; ++i)
		release(buffer.changes[i]);
	buffer.count = first;
	if (first == 0 && buffer.context) {
		MemoryContextReset(buffer.context);
		buffer.changes = nullptr;
		buffer.capacity = 0;
		buffer.bytes = 0;
	}
}

Size limit()
{
	return static_cast<Size>(settings.log_buffer_size) * 1024;
}

void flush_from(int first)
{
	if (first == buffer.count)
		return;
	order_written(write_changes(buffer.changes + first, buffer.count - first));
	buffer.wrote = true;
	drop_from(first);
}

/// Everything is written before the commit. The last seq of a transaction, by which it is ordered among others, has to be drawn now:
/// by the changes written now, or by a marker where all were written before.
void flush_before_commit()
{
	if (buffer.count == 0 && !buffer.wrote)
		return;
	if (!log_catalog_exists()) { // this transaction dropped the extension
		drop_from(0);
		buffer.wrote = false;
		return;
	}
	// The server's own callbacks ran before; an active snapshot is gone by now, and toasting and index look-ups want one.
	PushActiveSnapshot(GetTransactionSnapshot());
	if (buffer.count > 0)
		flush_from(0);
	else
		write_marker(last_ordinal());
	PopActiveSnapshot();
}

void at_transaction_event(XactEvent event, void *)
{
	switch (event) {
	case XACT_EVENT_PRE_COMMIT:
		flush_before_commit();
		if (buffer.wrote)
			notify_in_transaction();
		break;
	case XACT_EVENT_PRE_PREPARE:
		flush_before_commit();
		break;
	case XACT_EVENT_COMMIT:
		if (buffer.wrote)
			ring_doorbell();
		origins_committed();
		shapes_committed();
		era_committed();
		forget_former_origins();
		reset();
		break;
	case XACT_EVENT_PREPARE: // whether its rows will ever be there is open
	case XACT_EVENT_ABORT:
		forget_uncommitted_origins();
		forget_uncommitted_shapes();
		forget_uncommitted_era();
		forget_former_origins();
		reset();
		break;
	default: // parallel workers write nothing
		break;
	}
}

void at_subtransaction_event(SubXactEvent event, SubTransactionId self, SubTransactionId parent, void *)
{
	switch (event) {
	case SUBXACT_EVENT_PRE_COMMIT_SUB:
		// Its changes would join the parent's, which may never append by itself: a loop around an EXCEPTION block.
		if (buffer.bytes > limit() && log_catalog_exists()) {
			PushActiveSnapshot(GetTransactionSnapshot());
			flush_from(first_of(self));
			PopActiveSnapshot();
		}
		break;
	case SUBXACT_EVENT_COMMIT_SUB:
		for (int i = first_of(self); i < buffer.count; ++i)
			buffer.changes[i].subtransaction = parent;
		order_committed(self, parent);
		break;
	case SUBXACT_EVENT_ABORT_SUB:
		drop_from(first_of(self));
		order_rolled_back(self);
		forget_uncommitted_origins();
		forget_uncommitted_shapes();
		forget_uncommitted_era();
		break;
	default:
		break;
	}
}

} // namespace

MemoryContext buffer_context()
{
	if (!buffer.context)
		buffer.context =
			AllocSetContextCreate(TopTransactionContext, "lockstep log buffer", ALLOCSET_DEFAULT_SIZES);
	return buffer.context;
}

void append_change(const NewChange &change)
{
	// A change of a table's shape is small, and must get through: it may be what makes room.
	if (buffer.count == 0 && change.op != Op::schema)
		require_room_in_log();
	MemoryContext context = buffer_context();
	if (buffer.count == buffer.capacity) {
		const int capacity = buffer.capacity ? buffer.capacity * 2 : 16;
		const Size size = capacity * sizeof(PendingChange);
		buffer.changes = static_cast<PendingChange *>(
			buffer.changes ? repalloc_huge(buffer.changes, size) : MemoryContextAllocHuge(context, size));
		buffer.capacity = capacity;
	}
	PendingChange &pending = buffer.changes[buffer.count];
	static_cast<NewChange &>(pending) = change;
	pending.subtransaction = GetCurrentSubTransactionId();
	pending.ordinal = order_change(change, pending.subtransaction);
	pending.origin = current_origin();
	pending.bytes_before = buffer.bytes;
	++buffer.count;
	buffer.bytes += image_bytes(pending);

	if (buffer.bytes > limit()) {
		const int first = first_of(pending.subtransaction);
		if (buffer.bytes - buffer.changes[first].bytes_before > limit())
			flush_from(first);
	}
}

bool last_change_is_schema(Oid root, bool or_truncate)
{
	if (buffer.count == 0)
		return false;
	const PendingChange &last = buffer.changes[buffer.count - 1];
	return last.root == root && last.subtransaction == GetCurrentSubTransactionId() &&
		(last.op == Op::schema || (or_truncate && last.op == Op::truncate));
}

int pending_count()
{
	return buffer.count;
}

const PendingChange &pending_change(int index)
{
	return buffer.changes[index];
}

void flush_changes()
{
	flush_from(first_of(GetCurrentSubTransactionId()));
}

void register_log_buffer_callbacks()
{
	RegisterXactCallback(at_transaction_event, nullptr);
	RegisterSubXactCallback(at_subtransaction_event, nullptr);
}

} // namespace lockstep

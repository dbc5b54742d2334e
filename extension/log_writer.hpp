// Writes changes into the newest segment of the log, in the caller's transaction.
#pragma once

#include "log_buffer.hpp"
#include "origin.hpp"

namespace lockstep
{

/// A change that waits in the buffer.
struct PendingChange : NewChange {
	SubTransactionId subtransaction;
	uint32 ordinal; // place among the transaction's changes
	const Origin *origin;
	Size bytes_before; // waiting before this one was appended
};

/// Appends `count` changes. Draws their seqs, and returns the last.
int64 write_changes(const PendingChange *changes, int count);

/// The number by which the log's index knows a key. Of a single integer it is that integer, so that rows that are written in the order
/// of their keys stand side by side in the index; else jsonb_hash_extended(key, 0).
int64 key_hash(Jsonb *key);

/// Appends a row that is no change but carries the transaction's last seq.
void write_marker(uint32 ordinal);

} // namespace lockstep

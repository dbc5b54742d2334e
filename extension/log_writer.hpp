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

/// Appends `count` changes. Draws their seqs.
void write_changes(const PendingChange *changes, int count);

/// Appends a row that is no change but carries the transaction's last seq.
void write_marker(uint32 ordinal);

} // namespace lockstep

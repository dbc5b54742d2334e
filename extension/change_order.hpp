// The order of a transaction's changes.
//
// Changes are appended when the triggers tell of them. For one row that need not be the order in which they happened: a trigger of another
// row of the same statement, or a function that the statement calls, may change the row again before the row's own event comes. But each
// change knows the command that made it, and the changes of one row happened in the order of their commands; those by the same command in
// the order in which they were told.
#pragma once

#include "log_buffer.hpp"

namespace lockstep
{

/// The ordinal of a change that is about to be appended by this sub-transaction. Readers put changes in the order of their ordinals, and of
/// those with the same ordinal the one first that was appended last.
uint32 order_change(const NewChange &change, SubTransactionId subtransaction);

/// An ordinal after all there are.
uint32 last_ordinal();

/// What was appended is in the log now, with numbers up to this one.
void order_written(int64 last_seq);

/// Sub-transactions that ended, and the transaction that did.
void order_committed(SubTransactionId self, SubTransactionId parent);
void order_rolled_back(SubTransactionId self);
void reset_order();

} // namespace lockstep

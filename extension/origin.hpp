// Who changes something, and from where: interned rows of lockstep.origin.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// One context of writing. Strings are never NULL; empty means none.
struct Origin {
	bool verified;
	const char *actor;
	const char *client;
	const char *reason;
	const char *session_user;
	const char *application;
	const char *address;
};

/// The context of this session now. The pointer stays the same, and valid until the end of the transaction, while the context
/// does not change: changes that share it share the pointer.
const Origin *current_origin();

/// The number under which the context stands in lockstep.origin; writes it there where no one has.
int64 intern_origin(const Origin *origin);

/// Reads an interned context. False: there is no such row. Strings are palloc'd.
bool read_origin(int64 id, Snapshot snapshot, Origin *origin);

/// At the end of a transaction, and when a sub-transaction aborts (its rows of lockstep.origin are gone).
void forget_uncommitted_origins();
void origins_committed();
/// At the end of a transaction, when nothing refers to them any more.
void forget_former_origins();

} // namespace lockstep

// Errors that a value is to blame for: an image goes without the value, and the writer goes on.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// Whatever else goes wrong ends the statement, as it would without lockstep.
inline bool is_about_value(int code)
{
	return ERRCODE_TO_CATEGORY(code) == ERRCODE_DATA_EXCEPTION ||
		ERRCODE_TO_CATEGORY(code) == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		code == ERRCODE_INTERNAL_ERROR; // "invalid memory alloc request size"
}

/// Runs `body`, and tells whether it got by without an error that a value is to blame for. What it held of the catalogues, with
/// `takes_resources`, is released then. The body owns nothing with a destructor.
template <SafeAcrossErrors Body> bool without_value_error(bool takes_resources, Body body)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ResourceOwner inner = takes_resources ? ResourceOwnerCreate(owner, "lockstep value") : nullptr;
	volatile bool success = false;
	if (inner)
		CurrentResourceOwner = inner;
	PG_TRY();
	{
		body();
		success = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ErrorData *error = CopyErrorData();
		if (!is_about_value(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
	}
	PG_END_TRY();
	if (inner) {
		CurrentResourceOwner = owner;
		ResourceOwnerRelease(inner, RESOURCE_RELEASE_BEFORE_LOCKS, success, false);
		ResourceOwnerRelease(inner, RESOURCE_RELEASE_LOCKS, success, false);
		ResourceOwnerRelease(inner, RESOURCE_RELEASE_AFTER_LOCKS, success, false);
		ResourceOwnerDelete(inner);
	}
	return success;
}

} // namespace lockstep

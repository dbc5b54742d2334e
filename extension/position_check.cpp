#include "position_check.hpp"

#include "era.hpp"
#include "errors.hpp"
#include "position_type.hpp"

namespace lockstep
{

namespace
{

using core::PositionView;

const char *role_name(PositionRole role)
{
	return role == PositionRole::since ? "since" : "upto";
}

const char *lsn_text(XLogRecPtr lsn)
{
	return psprintf("%X/%X", static_cast<uint32>(lsn >> 32), static_cast<uint32>(lsn));
}

[[noreturn]] void refuse(PositionRole role, const char *why)
{
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_POSITION_NOT_COVERED),
		errmsg("position \"%s\" is not covered by the change log", role_name(role)),
		errdetail_internal("%s", why), errhint("Read the rows and lockstep.position() again."));
}

[[noreturn]] void refuse_as_ahead(PositionRole role)
{
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("position \"%s\" lies ahead of what this standby has replayed", role_name(role)),
		errhint("Try again in a moment, or read from the primary server."));
}

/// Where `timeline` was left on the way to the present one. Invalid: it does not lead here.
XLogRecPtr end_of_timeline(TimeLineID timeline, TimeLineID present)
{
	static struct {
		TimeLineID timeline;
		TimeLineID present;
		XLogRecPtr end;
	} last;
	if (last.timeline == timeline && last.present == present && present != 0)
		return last.end;
	XLogRecPtr end = InvalidXLogRecPtr;
	List *history = readTimeLineHistory(present);
	ListCell *cell;
	foreach (cell, history) {
		const auto *entry = static_cast<const TimeLineHistoryEntry *>(lfirst(cell));
		if (entry->tli == timeline && timeline != present)
			end = entry->end;
	}
	list_free_deep(history);
	if (end != InvalidXLogRecPtr) // else the file may only be missing for now
		last = {timeline, present, end};
	return end;
}

/// A position on a timeline that was left is good up to the switch: what it covers was durable by its lsn, so the present timeline
/// begins with all of it, and gives none of the numbers below its xmax out again.
void check_identity(const PositionView &position, const Place &here, PositionRole role)
{
	const core::Identity &given = position.identity;
	if (given == here.identity)
		return;
	if (given.system != here.identity.system || given.database != here.identity.database)
		refuse(role, _("It was taken in another database."));
	const TimeLineID present = here.identity.timeline;
	if (given.timeline > present && RecoveryInProgress())
		refuse_as_ahead(role);
	const XLogRecPtr end = given.timeline < present && given.timeline > 0
		? end_of_timeline(given.timeline, present)
		: InvalidXLogRecPtr;
	if (end == InvalidXLogRecPtr)
		refuse(role,
			psprintf(_("It was taken on timeline %u, which does not lead to the present one, %u."),
				given.timeline, present));
	if (position.lsn > end)
		refuse(role,
			psprintf(
				_("It was taken on timeline %u at %s, after the server was promoted or restored as of %s."),
				given.timeline, lsn_text(position.lsn), lsn_text(end)));
}

/// A copy of the data directory that was put back is this database, but has not lived so far yet.
/// (An `upto` beyond the transactions that began is refused as one that the snapshot does not cover.)
void check_not_in_future(const PositionView &position, const Place &here, PositionRole role)
{
	if (position.lsn <= here.lsn &&
		(role != PositionRole::since ||
			position.xmax <= U64FromFullTransactionId(ReadNextFullTransactionId())))
		return;
	if (RecoveryInProgress())
		refuse_as_ahead(role);
	refuse(role, _("It lies in the future of this database, which seems to have been restored since."));
}

/// Another life of the extension in the same database: DROP and CREATE EXTENSION, or a dump that was restored over it.
void check_not_before_log(const PositionView &position, PositionRole role)
{
	if (position.lsn < log_beginning())
		refuse(role, _("It was taken before lockstep was created anew in this database."));
}

void require_seen_by_snapshot(const PositionView &upto)
{
	if (core::covers(active_position(UINT64_MAX), upto))
		return;
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("the transaction's snapshot does not cover \"upto\""),
		errdetail("The position was taken after this transaction began to read."),
		errhint("Read the changes in a new transaction."));
}

} // namespace

void require_covered(const PositionView &position, const Place &here, PositionRole role)
{
	check_identity(position, here, role);
	check_not_in_future(position, here, role);
	if (role == PositionRole::since)
		check_not_before_log(position, role);
	else
		require_seen_by_snapshot(position);
}

} // namespace lockstep

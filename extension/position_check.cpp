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

void check_identity(const core::Identity &given, const core::Identity &here, PositionRole role)
{
	if (given == here)
		return;
	const bool other_database = given.system != here.system || given.database != here.database;
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_POSITION_NOT_COVERED),
		errmsg("position \"%s\" is not covered by the change log", role_name(role)),
		other_database
			? errdetail("It was taken in another database.")
			: errdetail(
				  "It was taken before the server was promoted or restored: on timeline %u, which is now %u.",
				  given.timeline, here.timeline),
		errhint("Read the rows and lockstep.position() again."));
}

/// A copy of the data directory that was put back is this database, but has not lived so far yet.
/// (An `upto` beyond the transactions that began is refused as one that the snapshot does not cover.)
void check_not_in_future(const PositionView &position, PositionRole role)
{
	if (position.lsn <= GetFlushRecPtr(nullptr) &&
		(role != PositionRole::since ||
			position.xmax <= U64FromFullTransactionId(ReadNextFullTransactionId())))
		return;
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_POSITION_NOT_COVERED),
		errmsg("position \"%s\" is not covered by the change log", role_name(role)),
		errdetail("It lies in the future of this database, which seems to have been restored since."),
		errhint("Read the rows and lockstep.position() again."));
}

/// Another life of the extension in the same database: DROP and CREATE EXTENSION, or a dump that was restored over it.
void check_not_before_log(const PositionView &position, PositionRole role)
{
	if (position.lsn >= log_beginning())
		return;
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_POSITION_NOT_COVERED),
		errmsg("position \"%s\" is not covered by the change log", role_name(role)),
		errdetail("It was taken before lockstep was created anew in this database."),
		errhint("Read the rows and lockstep.position() again."));
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

void require_covered(const PositionView &position, const core::Identity &here, PositionRole role)
{
	check_identity(position.identity, here, role);
	check_not_in_future(position, role);
	if (role == PositionRole::since)
		check_not_before_log(position, role);
	else
		require_seen_by_snapshot(position);
}

} // namespace lockstep

#include "log_cap.hpp"

#include "segment_list.hpp"

namespace lockstep
{

namespace
{

constexpr TimestampTz look_interval_us = 1000000;

/// 0 where it is gone.
int64 size_on_disk(Oid relation)
{
	LOCAL_FCINFO(fcinfo, 1);
	InitFunctionCallInfoData(*fcinfo, nullptr, 1, InvalidOid, nullptr, nullptr);
	fcinfo->args[0].value = ObjectIdGetDatum(relation);
	fcinfo->args[0].isnull = false;
	const Datum size = pg_total_relation_size(fcinfo);
	return fcinfo->isnull ? 0 : DatumGetInt64(size);
}

int64 log_bytes()
{
	const LogSize size = log_size();
	int64 bytes = size.closed_bytes;
	for (int i = 0; i < size.open_count; ++i)
		bytes += size_on_disk(size.open[i]);
	pfree(size.open);
	return bytes;
}

} // namespace

void refuse_if_log_is_full()
{
	static TimestampTz looked_at = 0;
	static int looked_with = -1;
	const TimestampTz now = GetCurrentTimestamp();
	if (looked_with == settings.max_log_size && now >= looked_at && now - looked_at < look_interval_us)
		return;
	const int64 bytes = log_bytes();
	if (bytes < settings.max_log_size * INT64CONST(1024)) {
		looked_at = now;
		looked_with = settings.max_log_size;
		return;
	}
	// Not noted down: once there is room, the next write finds it.
	looked_with = -1;
	ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("the change log is full"),
		errdetail("It takes " INT64_FORMAT " kB on disk, and lockstep.max_log_size is %d kB.", bytes / 1024,
			settings.max_log_size),
		errhint("Raise lockstep.max_log_size, or set lockstep.log_retention or lockstep.log_full so that the "
				"oldest changes are dropped, and run lockstep.maintain()."));
}

} // namespace lockstep

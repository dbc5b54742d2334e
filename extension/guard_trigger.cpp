// The guard: BEFORE UPDATE of each row of a tracked table, last by name. Judges the version and advances it.

#include "core/version_rule.hpp"

#include "conflict.hpp"
#include "errors.hpp"
#include "pg/server.hpp"
#include "relation_info.hpp"
#include "same_value.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_guard)

namespace lockstep
{

namespace
{

/// Does the update change any column besides the version? Stored generated columns are not computed yet when a BEFORE
/// trigger runs; they follow from the others.
bool is_effective(
	TupleDesc descriptor, AttrNumber version_column, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	slot_getallattrs(old_row);
	slot_getallattrs(new_row);
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		if (attribute->attisdropped || attribute->attgenerated || attribute->attnum == version_column)
			continue;
		if (old_row->tts_isnull[i] != new_row->tts_isnull[i])
			return true;
		if (!old_row->tts_isnull[i] && !same_value(old_row->tts_values[i], new_row->tts_values[i], attribute))
			return true;
	}
	return false;
}

/// Where a column of fixed width stands in the tuple, if the tuple has a value for it.
char *place_of(HeapTuple tuple, TupleDesc descriptor, AttrNumber column)
{
	HeapTupleHeader header = tuple->t_data;
	if (column > HeapTupleHeaderGetNatts(header))
		return nullptr;
	char *data = reinterpret_cast<char *>(header) + header->t_hoff;
	Size at = 0;
	for (int i = 0; i < column; ++i) {
		const bool is_last = i == column - 1;
		if (!HeapTupleNoNulls(tuple) && att_isnull(i, header->t_bits)) {
			if (is_last)
				return nullptr;
			continue;
		}
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		at = att_align_pointer(at, attribute->attalign, attribute->attlen, data + at);
		if (!is_last)
			at = att_addlength_pointer(at, attribute->attlen, data + at);
	}
	return data + at;
}

int64 last_version(const RelationInfo &info)
{
	return info.version_type == INT4OID ? PG_INT32_MAX : PG_INT64_MAX;
}

HeapTuple with_version(const RelationInfo &info, TriggerData *trigger, int64 version)
{
	if (info.version_type == INT4OID && version > PG_INT32_MAX)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("row version out of range"),
			errdetail("The version column of \"%s\" is of type integer.",
				RelationGetRelationName(trigger->tg_relation)),
			errhint("Change its type to bigint."));
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	HeapTuple tuple = heap_copytuple(trigger->tg_newtuple);
	if (char *place = place_of(tuple, descriptor, info.version_column)) {
		store_att_byval(place, version_to_datum(info, version),
			info.version_type == INT4OID ? sizeof(int32) : sizeof(int64));
		return tuple;
	}
	int column = info.version_column;
	Datum value = version_to_datum(info, version);
	bool is_null = false;
	return heap_modify_tuple_by_cols(tuple, descriptor, 1, &column, &value, &is_null);
}

HeapTuple without_version(const RelationInfo &info, TriggerData *trigger)
{
	int column = info.version_column;
	Datum value = 0;
	bool is_null = true;
	return heap_modify_tuple_by_cols(
		trigger->tg_newtuple, RelationGetDescr(trigger->tg_relation), 1, &column, &value, &is_null);
}

} // namespace

} // namespace lockstep

using namespace lockstep;

extern "C" Datum lockstep_guard(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.guard() can only be called as a trigger"));
	auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
	if (!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.guard() must be a BEFORE UPDATE trigger for each row"));

	require_own_trigger(trigger, "~lockstep_guard");
	const RelationInfo *info = relation_info(trigger->tg_relation);
	bool old_is_null;
	Datum old_value = slot_getattr(trigger->tg_trigslot, info->version_column, &old_is_null);
	const int64 current = version_from_datum(*info, old_value, old_is_null);
	bool is_null;
	Datum new_value = slot_getattr(trigger->tg_newslot, info->version_column, &is_null);

	core::VersionClaim claim;
	claim.mentioned =
		bms_is_member(info->version_column - FirstLowInvalidHeapAttributeNumber, trigger->tg_updatedcols);
	claim.is_null = is_null;
	claim.value = version_from_datum(*info, new_value, is_null);
	// A replica takes the row as it comes, its version included. Where none comes with it (from a publisher that has no such column), the
	// row's own goes on counting: else two states of it had the same. It stops at its end, as nothing may stop the apply.
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA &&
		(claim.mentioned || current == last_version(*info)))
		return PointerGetDatum(trigger->tg_newtuple);
	const bool effective = is_effective(RelationGetDescr(trigger->tg_relation), info->version_column,
		trigger->tg_trigslot, trigger->tg_newslot);

	switch (core::judge(current, claim, effective)) {
	case core::Verdict::accept:
		return PointerGetDatum(trigger->tg_newtuple);
	case core::Verdict::keep:
		if (is_null == old_is_null && (is_null || claim.value == current))
			return PointerGetDatum(trigger->tg_newtuple);
		// A row without a version stays without one: a 0 would be a change.
		return PointerGetDatum(
			old_is_null ? without_version(*info, trigger) : with_version(*info, trigger, current));
	case core::Verdict::advance:
		if (current == PG_INT64_MAX)
			ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("row version out of range"));
		return PointerGetDatum(with_version(*info, trigger, current + 1));
	case core::Verdict::stale:
		report_stale_version(*info, trigger, claim.value, current);
	case core::Verdict::impossible:
		report_impossible_version(*info, trigger, claim.value, current);
	}
	pg_unreachable();
}

// The log triggers: AFTER each row change, first by name, and AFTER TRUNCATE. They append to the buffer; the buffer writes.

#include "log_buffer.hpp"
#include "log_writer.hpp"
#include "pg/server.hpp"
#include "relation_info.hpp"
#include "same_value.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_log)
LOCKSTEP_SQL_FUNCTION(lockstep_log_truncate)

namespace lockstep
{

namespace
{

/// What the header of a row's version tells of its change. `slot`: as the trigger was given it.
struct Moment {
	CommandId command; // of the change
	/// The version has been updated or deleted since, by this transaction: what did it was logged before the event at hand, as a trigger
	/// of another row of the same statement runs before this row's events do.
	bool is_superseded;
};

Moment moment_of(TupleTableSlot *slot)
{
	HeapTuple tuple =
		TTS_IS_BUFFERTUPLE(slot) ? reinterpret_cast<HeapTupleTableSlot *>(slot)->tuple : nullptr;
	if (!tuple)
		return {GetCurrentCommandId(false), false};
	const HeapTupleHeader header = tuple->t_data;
	const bool superseded = !(header->t_infomask & HEAP_XMAX_INVALID) &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));
	return {header->t_infomask & HEAP_COMBOCID ? HeapTupleHeaderGetCmin(header)
											   : HeapTupleHeaderGetRawCommandId(header),
		superseded};
}

/// The same of a deletion. The row is gone, but its key may have been inserted again; nobody knows without looking.
Moment moment_of_end(TupleTableSlot *slot)
{
	HeapTuple tuple =
		TTS_IS_BUFFERTUPLE(slot) ? reinterpret_cast<HeapTupleTableSlot *>(slot)->tuple : nullptr;
	const CommandId command = !tuple                ? GetCurrentCommandId(false)
		: tuple->t_data->t_infomask & HEAP_COMBOCID ? HeapTupleHeaderGetCmax(tuple->t_data)
													: HeapTupleHeaderGetRawCommandId(tuple->t_data);
	return {command, true};
}

NewChange change_of(const RelationInfo &info, Op op)
{
	NewChange change{};
	change.op = op;
	change.root = info.root;
	change.leaf = info.relation;
	return change;
}

void set_moment(NewChange &change, Moment moment)
{
	change.command = moment.command;
	change.may_be_late = moment.is_superseded;
}

/// key_hash(), without the way through jsonb where the key is an integer.
int64 hash_of_key(const RelationInfo &info, const Row &row, Jsonb *key)
{
	if (info.key_count == 1) {
		const Datum value = row.values[info.key_numbers[0] - 1];
		switch (info.key_kind) {
		case ColumnKind::int2:
			return DatumGetInt16(value);
		case ColumnKind::int4:
			return DatumGetInt32(value);
		case ColumnKind::int8:
			return DatumGetInt64(value);
		default:
			break;
		}
	}
	return key_hash(key);
}

void set_key_and_version(NewChange &change, const RelationInfo &info, const Row &row)
{
	ArrayType *omitted = nullptr;
	change.key = build_image(info.columns, row, info.is_key, buffer_context(), &omitted);
	if (omitted)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the key of a changed row has no JSON form"));
	change.key_hash = hash_of_key(info, row, change.key);
	change.has_version = true;
	change.version =
		version_from_datum(info, row.values[info.version_column - 1], row.nulls[info.version_column - 1]);
}

void log_whole_row(const RelationInfo &info, Op op, const Row &row, Moment moment, varlena *old = nullptr)
{
	NewChange change = change_of(info, op);
	set_moment(change, moment);
	set_key_and_version(change, info, row);
	change.row = pack_image(info.columns, row, nullptr, buffer_context(), &change.omitted);
	change.old = old;
	append_change(change);
}

/// Marks the columns whose value differs. Returns how many.
int find_changed(
	const RelationInfo &info, TupleDesc descriptor, const Row &before, const Row &after, bool *changed)
{
	int count = 0;
	for (int i = 0; i < info.columns.count; ++i) {
		const int at = info.columns.columns[i].number - 1;
		Form_pg_attribute attribute = TupleDescAttr(descriptor, at);
		changed[i] = before.nulls[at] != after.nulls[at] || before.is_missing(at) != after.is_missing(at) ||
			(!before.nulls[at] && !same_value(before.values[at], after.values[at], attribute));
		count += changed[i];
	}
	return count;
}

/// The names that are in one list of omitted columns or the other, in the buffer's context. NULL: there are none.
ArrayType *unite_names(ArrayType *one, ArrayType *other)
{
	if (!one || !other)
		return one ? one : other;
	Datum *names[2];
	int counts[2];
	deconstruct_array(one, TEXTOID, -1, false, TYPALIGN_INT, &names[0], nullptr, &counts[0]);
	deconstruct_array(other, TEXTOID, -1, false, TYPALIGN_INT, &names[1], nullptr, &counts[1]);
	auto *all = palloc_array_of<Datum>(counts[0] + counts[1]);
	memcpy(all, names[0], counts[0] * sizeof(Datum));
	int count = counts[0];
	for (int i = 0; i < counts[1]; ++i) {
		bool is_known = false;
		for (int k = 0; k < counts[0]; ++k)
			is_known |= datumIsEqual(names[0][k], names[1][i], false, -1);
		if (!is_known)
			all[count++] = names[1][i];
	}
	MemoryContext caller = MemoryContextSwitchTo(buffer_context());
	ArrayType *united = construct_array(all, count, TEXTOID, -1, false, TYPALIGN_INT);
	MemoryContextSwitchTo(caller);
	return united;
}

void log_update(const RelationInfo &info, TupleDesc descriptor, const TriggerData *trigger, const Row &before,
	const Row &after)
{
	auto *changed = palloc_array_of<bool>(Max(info.columns.count, 1));
	if (find_changed(info, descriptor, before, after, changed) == 0)
		return; // nothing that anyone could see
	bool key_changed = false;
	for (int i = 0; i < info.columns.count; ++i)
		key_changed |= changed[i] && info.is_key[i];
	ArrayType *omitted_old = nullptr;
	const Moment moment = moment_of(trigger->tg_newslot);
	if (key_changed) {
		// The old key's life ends, the new key's begins. The old key, in `old`, leads from one to the other.
		log_whole_row(info, Op::remove, before, moment_of_end(trigger->tg_trigslot));
		log_whole_row(info, Op::insert, after, moment,
			pack_image(info.columns, before, info.is_key, buffer_context(), &omitted_old));
		return;
	}
	NewChange change = change_of(info, Op::update);
	set_moment(change, moment);
	set_key_and_version(change, info, after);
	change.row = pack_image(info.columns, after, nullptr, buffer_context(), &change.omitted);
	change.old = pack_image(info.columns, before, changed, buffer_context(), &omitted_old);
	change.omitted = unite_names(change.omitted, omitted_old);
	append_change(change);
	pfree(changed);
}

} // namespace

} // namespace lockstep

using namespace lockstep;

extern "C" Datum lockstep_log(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.log() can only be called as a trigger"));
	auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.log() must be an AFTER trigger for each row"));

	const RelationInfo *info = relation_info(trigger->tg_relation);
	require_own_trigger(trigger, "!lockstep_log");
	const Row row = read_row(info->virtual_columns, trigger->tg_trigslot);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		log_update(*info, RelationGetDescr(trigger->tg_relation), trigger, row,
			read_row(info->virtual_columns, trigger->tg_newslot));
	else if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		log_whole_row(*info, Op::insert, row, moment_of(trigger->tg_trigslot));
	else
		log_whole_row(*info, Op::remove, row, moment_of_end(trigger->tg_trigslot));
	return PointerGetDatum(nullptr);
}

extern "C" Datum lockstep_log_truncate(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.log_truncate() can only be called as a trigger"));
	auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("lockstep.log_truncate() must be an AFTER TRUNCATE trigger"));
	// Of a partition only some rows are gone: readers have to look again. TRUNCATE of the whole table fires here for the table first and
	// then for each partition; one change says it all.
	const RelationInfo *info = relation_info(trigger->tg_relation);
	require_own_trigger(trigger, "!lockstep_truncate");
	const Op op = info->root == info->relation ? Op::truncate : Op::schema;
	if (!last_change_is_schema(info->root, true))
		append_change(change_of(*info, op));
	return PointerGetDatum(nullptr);
}

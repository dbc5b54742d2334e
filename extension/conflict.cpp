#include "conflict.hpp"

#include "errors.hpp"
#include "log_buffer.hpp"
#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "log_writer.hpp"
#include "origin.hpp"

namespace lockstep
{

namespace
{

/// What the log knows of a row since a version.
struct Since {
	bool known;
	int64 version; // the last one
	int64 origin;
	TimestampTz at;
	List *columns; // of char *: names, in the order of first mention, newest change first
};

void add_column_names(List **names, Jsonb *object, const char *version_column)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbValue value;
	JsonbIteratorToken token;
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE) {
		if (token != WJB_KEY)
			continue;
		char *name = pnstrdup(value.val.string.val, value.val.string.len);
		bool known = strcmp(name, version_column) == 0;
		ListCell *cell;
		foreach (cell, *names)
			known |= strcmp(static_cast<char *>(lfirst(cell)), name) == 0;
		if (!known)
			*names = lappend(*names, name);
	}
}

/// So many changes that are too old end the search.
constexpr int enough_older = 100;

/// Finds the index of a segment on (root, key_hash).
Oid key_index(Relation segment)
{
	Oid found = InvalidOid;
	ListCell *cell;
	foreach (cell, RelationGetIndexList(segment)) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		if (index->rd_index->indkey.values[0] == change_root && index->rd_index->indnkeyatts == 2)
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	return found;
}

/// Reads one segment, newest change first: btree keeps equal keys in the order of their place in the table, which for an
/// append-only table is nearly the order of writing (space of rolled-back rows is used again). Returns false once the version that the
/// writer saw is safely behind.
bool read_segment(const Segment &place, const RelationInfo &info, int64 expected, Datum key_hash, Jsonb *key,
	const char *version_column, Snapshot snapshot, Since *since)
{
	bool go_on = true;
	int older = 0;
	Relation segment = table_open(place.relation, AccessShareLock);
	const Oid index_oid = key_index(segment);
	if (!OidIsValid(index_oid)) {
		table_close(segment, AccessShareLock);
		return true;
	}
	Relation index = index_open(index_oid, AccessShareLock);
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(info.root));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, key_hash);
	IndexScanDesc scan = index_beginscan(segment, index, snapshot, 2, 0);
	index_rescan(scan, keys, 2, nullptr, 0);
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	while (go_on && index_getnext_slot(scan, BackwardScanDirection, slot)) {
		slot_getallattrs(slot);
		if (!DatumGetBool(
				DirectFunctionCall2(jsonb_eq, slot->tts_values[change_key - 1], JsonbPGetDatum(key))))
			continue;
		const int64 version =
			slot->tts_isnull[change_version - 1] ? 0 : DatumGetInt64(slot->tts_values[change_version - 1]);
		if (version <= expected) {
			go_on = ++older < enough_older;
			continue;
		}
		if (!since->known || version > since->version) {
			since->known = true;
			since->version = version;
			since->origin = DatumGetInt64(slot->tts_values[change_origin - 1]);
			since->at = DatumGetTimestampTz(slot->tts_values[change_at - 1]);
		}
		if (!slot->tts_isnull[change_old - 1])
			add_column_names(
				&since->columns, DatumGetJsonbP(slot->tts_values[change_old - 1]), version_column);
	}
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	index_close(index, AccessShareLock);
	table_close(segment, AccessShareLock);
	return go_on;
}

Since changes_since(
	const RelationInfo &info, int64 expected, Jsonb *key, const char *version_column, Snapshot snapshot)
{
	Since since{};
	Datum hash = Int64GetDatum(key_hash(key));
	int count;
	Segment *segments = list_segments(&count);
	for (int i = count - 1; i >= 0; --i)
		if (!read_segment(segments[i], info, expected, hash, key, version_column, snapshot, &since))
			break;
	return since;
}

void push_name(JsonbParseState **state, const char *name)
{
	JsonbValue value;
	value.type = jbvString;
	value.val.string.val = const_cast<char *>(name);
	value.val.string.len = static_cast<int>(strlen(name));
	pushJsonbValue(state, WJB_KEY, &value);
}

void push_text(JsonbParseState **state, const char *text, JsonbIteratorToken token = WJB_VALUE)
{
	JsonbValue value;
	value.type = jbvNull;
	if (text) {
		value.type = jbvString;
		value.val.string.val = const_cast<char *>(text);
		value.val.string.len = static_cast<int>(strlen(text));
	}
	pushJsonbValue(state, token, &value);
}

void push_number(JsonbParseState **state, int64 number)
{
	JsonbValue value;
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	pushJsonbValue(state, WJB_VALUE, &value);
}

char *timestamp_text(TimestampTz at)
{
	auto *text = static_cast<char *>(palloc(MAXDATELEN + 1));
	const int utc = 0;
	return JsonEncodeDateTime(text, TimestampTzGetDatum(at), TIMESTAMPTZOID, &utc);
}

char *table_text(Oid relation)
{
	return quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

/// "42" for a key of one column, "(7, a)" for a longer one.
char *key_text(const RelationInfo &info, TupleTableSlot *row)
{
	StringInfoData text;
	initStringInfo(&text);
	int count = 0;
	for (int i = 0; i < info.columns.count; ++i) {
		if (!info.is_key[i])
			continue;
		Oid function;
		bool is_varlena;
		bool is_null;
		Datum value = slot_getattr(row, info.columns.columns[i].number, &is_null);
		getTypeOutputInfo(info.columns.columns[i].value.type, &function, &is_varlena);
		if (count++ > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text, is_null ? "null" : OidOutputFunctionCall(function, value));
	}
	return count > 1 ? psprintf("(%s)", text.data) : text.data;
}

Jsonb *key_image(const RelationInfo &info, TupleTableSlot *row)
{
	slot_getallattrs(row);
	ArrayType *omitted = nullptr;
	return build_image(
		info.columns, row->tts_values, row->tts_isnull, info.is_key, CurrentMemoryContext, &omitted);
}

char *detail_json(const RelationInfo &info, Jsonb *key, int64 expected, int64 current, const Since *since,
	const Origin *who, const char *reason)
{
	JsonbParseState *state = nullptr;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
	push_name(&state, "table");
	push_text(&state, table_text(info.root));
	push_name(&state, "key");
	JsonbValue object;
	object.type = jbvBinary;
	object.val.binary.data = &key->root;
	object.val.binary.len = static_cast<int>(VARSIZE(key) - VARHDRSZ);
	pushJsonbValue(&state, WJB_VALUE, &object);
	push_name(&state, "expected");
	push_number(&state, expected);
	push_name(&state, "current");
	push_number(&state, current);
	if (since) {
		push_name(&state, "changed_by");
		push_text(&state, who ? who->actor : nullptr);
		push_name(&state, "changed_at");
		push_text(&state, since->known ? timestamp_text(since->at) : nullptr);
		push_name(&state, "columns");
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, nullptr);
		ListCell *cell;
		foreach (cell, since->columns)
			push_text(&state, static_cast<char *>(lfirst(cell)), WJB_ELEM);
		pushJsonbValue(&state, WJB_END_ARRAY, nullptr);
	}
	push_name(&state, "reason");
	push_text(&state, reason);
	Jsonb *detail = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
	return JsonbToCString(nullptr, &detail->root, static_cast<int>(VARSIZE(detail)));
}

} // namespace

void report_stale_version(const RelationInfo &info, TriggerData *trigger, int64 expected, int64 current)
{
	Jsonb *key = key_image(info, trigger->tg_trigslot);
	const char *version_column =
		NameStr(TupleDescAttr(RelationGetDescr(trigger->tg_relation), info.version_column - 1)->attname);
	// What this transaction itself changed counts too. Whoever else changed the row may have committed after this statement's snapshot
	// was taken.
	flush_changes();
	const Since since = changes_since(info, expected, key, version_column, SnapshotSelf);
	Origin who{};
	const bool who_known = since.known && read_origin(since.origin, SnapshotSelf, &who);

	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_VERSION_CONFLICT),
		errmsg("record %s of \"%s\" was changed%s%s since it was read: version " INT64_FORMAT
			   " was expected, " INT64_FORMAT " is current",
			key_text(info, trigger->tg_trigslot), get_rel_name(info.root), who_known ? " by " : "",
			who_known ? who.actor : "", expected, current),
		errdetail_internal(
			"%s", detail_json(info, key, expected, current, &since, who_known ? &who : nullptr, "stale")),
		errhint("Read the record again and repeat the change on version " INT64_FORMAT ".", current));
}

void report_impossible_version(const RelationInfo &info, TriggerData *trigger, int64 given, int64 current)
{
	Jsonb *key = key_image(info, trigger->tg_trigslot);
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_IMPOSSIBLE_VERSION),
		errmsg("version " INT64_FORMAT
			   " of record %s of \"%s\" is impossible: the current version is " INT64_FORMAT,
			given, key_text(info, trigger->tg_trigslot), get_rel_name(info.root), current),
		errdetail_internal("%s", detail_json(info, key, given, current, nullptr, nullptr, "impossible")),
		errhint("Set the version column to the version that was read, or leave it out."));
}

} // namespace lockstep

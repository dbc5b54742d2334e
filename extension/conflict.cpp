#include "conflict.hpp"

#include "errors.hpp"
#include "row_story.hpp"

namespace lockstep
{

namespace
{

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
	for (int i = 0; i < info.key_count; ++i) {
		Oid function;
		bool is_varlena;
		bool is_null;
		const AttrNumber number = info.key_numbers[i];
		Datum value = slot_getattr(row, number, &is_null);
		getTypeOutputInfo(
			TupleDescAttr(row->tts_tupleDescriptor, number - 1)->atttypid, &function, &is_varlena);
		if (i > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text, is_null ? "null" : OidOutputFunctionCall(function, value));
	}
	return info.key_count > 1 ? psprintf("(%s)", text.data) : text.data;
}

Jsonb *key_image(const RelationInfo &info, TupleTableSlot *row)
{
	slot_getallattrs(row);
	ArrayType *omitted = nullptr;
	return build_image(
		info.columns, Row{row->tts_values, row->tts_isnull}, info.is_key, CurrentMemoryContext, &omitted);
}

char *detail_json(const RelationInfo &info, Jsonb *key, int64 expected, int64 current, const RowStory *story,
	const char *reason)
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
	if (story) {
		push_name(&state, "changed_by");
		push_text(&state, story->is_known ? story->who.actor : nullptr);
		push_name(&state, "changed_at");
		push_text(&state, story->is_known ? timestamp_text(story->at) : nullptr);
		push_name(&state, "columns");
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, nullptr);
		ListCell *cell;
		foreach (cell, story->columns)
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
	const RowStory story = tell_row_story(info, key, version_column, expected, current);

	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_VERSION_CONFLICT),
		errmsg("record %s of \"%s\" was changed%s%s since it was read: version " INT64_FORMAT
			   " was expected, " INT64_FORMAT " is current",
			key_text(info, trigger->tg_trigslot), get_rel_name(info.root), story.is_known ? " by " : "",
			story.is_known ? story.who.actor : "", expected, current),
		errdetail_internal("%s", detail_json(info, key, expected, current, &story, "stale")),
		errhint("Read the record again and repeat the change on version " INT64_FORMAT ".", current));
}

void report_impossible_version(const RelationInfo &info, TriggerData *trigger, int64 given, int64 current)
{
	Jsonb *key = key_image(info, trigger->tg_trigslot);
	ereport(ERROR, errcode(ERRCODE_LOCKSTEP_IMPOSSIBLE_VERSION),
		errmsg("version " INT64_FORMAT
			   " of record %s of \"%s\" is impossible: the current version is " INT64_FORMAT,
			given, key_text(info, trigger->tg_trigslot), get_rel_name(info.root), current),
		errdetail_internal("%s", detail_json(info, key, given, current, nullptr, "impossible")),
		errhint("Set the version column to the version that was read, or leave it out."));
}

} // namespace lockstep

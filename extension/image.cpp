#include "image.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_image)

namespace lockstep
{

namespace
{

/// Puts the settings that output functions look at to fixed values, and back.
/// Plain variables on purpose: going through the GUC machinery would cost more than the image.
struct OutputSettings {
	int date_style;
	int date_order;
	int interval_style;
	int bytea_style;
	int float_digits;
	pg_tz *zone;

	static OutputSettings fix()
	{
		static pg_tz *utc = nullptr;
		if (!utc)
			utc = pg_tzset("GMT"); // built in: reads no file
		OutputSettings saved{
			DateStyle, DateOrder, IntervalStyle, bytea_output, extra_float_digits, session_timezone};
		DateStyle = USE_ISO_DATES;
		DateOrder = DATEORDER_YMD;
		IntervalStyle = INTSTYLE_POSTGRES;
		bytea_output = BYTEA_OUTPUT_HEX;
		extra_float_digits = 1;
		session_timezone = utc;
		return saved;
	}

	void restore() const
	{
		DateStyle = date_style;
		DateOrder = date_order;
		IntervalStyle = interval_style;
		bytea_output = bytea_style;
		extra_float_digits = float_digits;
		session_timezone = zone;
	}
};

ColumnKind kind_of(Oid type)
{
	switch (type) {
	case BOOLOID:
		return ColumnKind::boolean;
	case INT2OID:
		return ColumnKind::int2;
	case INT4OID:
		return ColumnKind::int4;
	case INT8OID:
		return ColumnKind::int8;
	case FLOAT4OID:
	case FLOAT8OID:
		return ColumnKind::floating;
	case NUMERICOID:
		return ColumnKind::numeric;
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID:
		return ColumnKind::text;
	case JSONOID:
		return ColumnKind::json;
	case JSONBOID:
		return ColumnKind::jsonb;
	case DATEOID:
	case TIMEOID:
	case TIMETZOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID:
		return ColumnKind::datetime;
	default:
		break;
	}
	if (OidIsValid(get_element_type(type)) && type != OIDVECTOROID && type != INT2VECTOROID)
		return ColumnKind::nested;
	return type_is_rowtype(type) ? ColumnKind::nested : ColumnKind::other;
}

bool depends_on_settings(ColumnKind kind)
{
	return kind == ColumnKind::floating || kind == ColumnKind::datetime || kind == ColumnKind::nested ||
		kind == ColumnKind::other;
}

Column make_column(Form_pg_attribute attribute)
{
	Column column{};
	column.number = attribute->attnum;
	column.type = getBaseType(attribute->atttypid);
	column.kind = kind_of(column.type);
	column.name.type = jbvString;
	column.name.val.string.val = pstrdup(NameStr(attribute->attname));
	column.name.val.string.len = static_cast<int>(strlen(NameStr(attribute->attname)));
	if (column.kind == ColumnKind::nested) {
		// to_jsonb(anyelement) learns its argument's type from the call expression.
		Const *argument = makeNullConst(column.type, -1, InvalidOid);
		fmgr_info_cxt(F_TO_JSONB, &column.output, CurrentMemoryContext);
		fmgr_info_set_expr(reinterpret_cast<Node *>(makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument),
							   InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL)),
			&column.output);
	} else if (column.kind == ColumnKind::other || column.kind == ColumnKind::floating) {
		Oid function;
		bool is_varlena;
		getTypeOutputInfo(column.type, &function, &is_varlena);
		fmgr_info_cxt(function, &column.output, CurrentMemoryContext);
	}
	return column;
}

/// The order in which jsonb keeps an object's keys: shorter first, then bytewise.
int compare_names(const void *left, const void *right)
{
	const auto &a = static_cast<const Column *>(left)->name.val.string;
	const auto &b = static_cast<const Column *>(right)->name.val.string;
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return memcmp(a.val, b.val, a.len);
}

void set_string(JsonbValue &value, char *text, int length)
{
	value.type = jbvString;
	value.val.string.val = text;
	value.val.string.len = length;
}

/// A number in its text form, or a string where JSON has no such number.
void set_number_text(JsonbValue &value, char *text)
{
	const char first = *text == '-' ? text[1] : *text;
	if (first < '0' || first > '9') {
		set_string(value, text, static_cast<int>(strlen(text)));
		return;
	}
	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(
		numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void set_jsonb(JsonbValue &value, Datum datum)
{
	Jsonb *jsonb = DatumGetJsonbP(datum);
	if (JB_ROOT_IS_SCALAR(jsonb)) {
		JsonbExtractScalar(&jsonb->root, &value);
		return;
	}
	value.type = jbvBinary;
	value.val.binary.data = &jsonb->root;
	value.val.binary.len = static_cast<int>(VARSIZE(jsonb) - VARHDRSZ);
}

void set_value(JsonbValue &value, Column &column, Datum datum)
{
	switch (column.kind) {
	case ColumnKind::boolean:
		value.type = jbvBool;
		value.val.boolean = DatumGetBool(datum);
		return;
	case ColumnKind::int2:
	case ColumnKind::int4:
	case ColumnKind::int8: {
		const int64 number = column.kind == ColumnKind::int2 ? DatumGetInt16(datum)
			: column.kind == ColumnKind::int4                ? DatumGetInt32(datum)
															 : DatumGetInt64(datum);
		value.type = jbvNumeric;
		value.val.numeric = int64_to_numeric(number);
		return;
	}
	case ColumnKind::floating:
		set_number_text(value, OutputFunctionCall(&column.output, datum));
		return;
	case ColumnKind::numeric: {
		Numeric number = DatumGetNumeric(datum);
		if (numeric_is_nan(number) || numeric_is_inf(number)) {
			set_number_text(
				value, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number))));
			return;
		}
		value.type = jbvNumeric;
		value.val.numeric = number;
		return;
	}
	case ColumnKind::text:
	case ColumnKind::json: {
		text *string = DatumGetTextPP(datum);
		set_string(value, VARDATA_ANY(string), static_cast<int>(VARSIZE_ANY_EXHDR(string)));
		return;
	}
	case ColumnKind::jsonb:
		set_jsonb(value, datum);
		return;
	case ColumnKind::datetime: {
		auto *buffer = static_cast<char *>(palloc(MAXDATELEN + 1));
		JsonEncodeDateTime(buffer, datum, column.type, nullptr);
		set_string(value, buffer, static_cast<int>(strlen(buffer)));
		return;
	}
	case ColumnKind::nested:
		set_jsonb(value, FunctionCall1(&column.output, datum));
		return;
	case ColumnKind::other: {
		char *string = OutputFunctionCall(&column.output, datum);
		set_string(value, string, static_cast<int>(strlen(string)));
		return;
	}
	}
}

Jsonb *assemble(const ColumnSet &set, const Datum *values, const bool *nulls, const bool *pick)
{
	JsonbParseState *state = nullptr;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
	for (int i = 0; i < set.count; ++i) {
		if (pick && !pick[i])
			continue;
		Column &column = set.columns[i];
		JsonbValue value;
		value.type = jbvNull;
		if (!nulls[column.number - 1])
			set_value(value, column, values[column.number - 1]);
		pushJsonbValue(&state, WJB_KEY, &column.name);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
}

/// Must this error end the statement, whatever the value?
bool is_fatal(int code)
{
	return code == ERRCODE_QUERY_CANCELED || code == ERRCODE_ADMIN_SHUTDOWN ||
		code == ERRCODE_CRASH_SHUTDOWN || code == ERRCODE_OUT_OF_MEMORY || code == ERRCODE_DATA_CORRUPTED;
}

/// assemble(), or NULL where a value has no JSON form. What a failing output function held is released.
Jsonb *try_assemble(const ColumnSet &set, const Datum *values, const bool *nulls, const bool *pick)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ResourceOwner inner = set.has_nested ? ResourceOwnerCreate(owner, "lockstep image") : nullptr;
	Jsonb *volatile image = nullptr;
	if (inner)
		CurrentResourceOwner = inner;
	PG_TRY();
	{
		image = assemble(set, values, nulls, pick);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ErrorData *error = CopyErrorData();
		if (is_fatal(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
		image = nullptr;
	}
	PG_END_TRY();
	if (inner) {
		CurrentResourceOwner = owner;
		const bool success = image != nullptr;
		ResourceOwnerRelease(inner, RESOURCE_RELEASE_BEFORE_LOCKS, success, false);
		ResourceOwnerRelease(inner, RESOURCE_RELEASE_LOCKS, success, false);
		ResourceOwnerRelease(inner, RESOURCE_RELEASE_AFTER_LOCKS, success, false);
		ResourceOwnerDelete(inner);
	}
	return image;
}

/// Above this, a value is left out of an image that would otherwise be too large.
constexpr Size large_value = 1024 * 1024;

/// The slow way, after a first failure: finds the columns that have no JSON form one by one.
Jsonb *assemble_what_can_be(const ColumnSet &set, const Datum *values, const bool *nulls, const bool *pick,
	MemoryContext target, ArrayType **omitted)
{
	auto *keep = palloc_array_of<bool>(set.count);
	auto *single = palloc_array_of<bool>(set.count);
	auto *names = palloc_array_of<Datum>(set.count);
	Jsonb *image = nullptr;
	for (int attempt = 0; !image; ++attempt) {
		int count = 0;
		for (int i = 0; i < set.count; ++i) {
			keep[i] = false;
			if (pick && !pick[i])
				continue;
			const Column &column = set.columns[i];
			const int at = column.number - 1;
			memset(single, 0, set.count);
			single[i] = true;
			// The second time round each fits by itself, but not all together.
			const bool is_varlena = column.kind >= ColumnKind::text && column.kind <= ColumnKind::jsonb;
			const bool too_large =
				attempt > 0 && is_varlena && !nulls[at] && toast_raw_datum_size(values[at]) > large_value;
			keep[i] = !too_large && (attempt < 2 || column.kind < ColumnKind::nested) &&
				try_assemble(set, values, nulls, single) != nullptr;
			if (!keep[i])
				names[count++] = PointerGetDatum(
					cstring_to_text_with_len(column.name.val.string.val, column.name.val.string.len));
		}
		image = try_assemble(set, values, nulls, keep);
		if (!image && attempt >= 2)
			elog(ERROR, "could not build a row image");
		if (image && count > 0) {
			MemoryContext caller = MemoryContextSwitchTo(target);
			*omitted = construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
			MemoryContextSwitchTo(caller);
		}
	}
	return image;
}

MemoryContext scratch_context()
{
	static MemoryContext context = nullptr;
	if (!context)
		context = AllocSetContextCreate(TopMemoryContext, "lockstep image", ALLOCSET_DEFAULT_SIZES);
	return context;
}

} // namespace

ColumnSet make_column_set(TupleDesc descriptor, const bool *excluded)
{
	ColumnSet set{};
	set.columns = palloc_array_of<Column>(Max(descriptor->natts, 1));
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		// A virtual generated column ('v', PostgreSQL 18) has no stored value that a trigger could see.
		if (attribute->attisdropped || attribute->attgenerated == 'v' || (excluded && excluded[i]))
			continue;
		Column column = make_column(attribute);
		set.uses_settings |= depends_on_settings(column.kind);
		set.has_nested |= column.kind == ColumnKind::nested;
		set.columns[set.count++] = column;
	}
	qsort(set.columns, set.count, sizeof(Column), compare_names);
	return set;
}

Jsonb *build_image(const ColumnSet &set, const Datum *values, const bool *nulls, const bool *pick,
	MemoryContext target, ArrayType **omitted)
{
	MemoryContext scratch = scratch_context();
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	Jsonb *volatile image = nullptr;
	const OutputSettings saved = set.uses_settings ? OutputSettings::fix() : OutputSettings{};
	PG_TRY();
	{
		image = try_assemble(set, values, nulls, pick);
		if (!image)
			image = assemble_what_can_be(set, values, nulls, pick, target, omitted);
	}
	PG_FINALLY();
	{
		if (set.uses_settings)
			saved.restore();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(target);
	const Size size = VARSIZE(image);
	auto *copy = static_cast<Jsonb *>(palloc(size));
	memcpy(copy, image, size);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
	return copy;
}

} // namespace lockstep

using namespace lockstep;

namespace
{

/// The column set of the last row type that this call site was given.
struct ImageCache {
	Oid type;
	int32 modifier;
	ColumnSet set;
};

} // namespace

/// lockstep.image(record) → jsonb
extern "C" Datum lockstep_image(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	const Oid type = HeapTupleHeaderGetTypeId(row);
	const int32 modifier = HeapTupleHeaderGetTypMod(row);
	TupleDesc descriptor = lookup_rowtype_tupdesc(type, modifier);

	auto *cache = static_cast<ImageCache *>(fcinfo->flinfo->fn_extra);
	if (!cache || cache->type != type || cache->modifier != modifier) {
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		cache = static_cast<ImageCache *>(palloc0(sizeof(ImageCache)));
		cache->type = type;
		cache->modifier = modifier;
		cache->set = make_column_set(descriptor, nullptr);
		fcinfo->flinfo->fn_extra = cache;
		MemoryContextSwitchTo(caller);
	}

	HeapTupleData tuple{};
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	ItemPointerSetInvalid(&tuple.t_self);
	auto *values = palloc_array_of<Datum>(Max(descriptor->natts, 1));
	auto *nulls = palloc_array_of<bool>(Max(descriptor->natts, 1));
	heap_deform_tuple(&tuple, descriptor, values, nulls);
	ReleaseTupleDesc(descriptor);
	ArrayType *omitted = nullptr;
	Jsonb *image = build_image(cache->set, values, nulls, nullptr, CurrentMemoryContext, &omitted);
	PG_RETURN_JSONB_P(image);
}

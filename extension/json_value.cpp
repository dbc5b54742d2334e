#include "core/utc_text.hpp"

#include "json_value.hpp"

namespace lockstep
{

namespace
{

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
	case MONEYOID:
		return ColumnKind::money;
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
	case REGCLASSOID:
	case REGTYPEOID:
	case REGPROCOID:
	case REGPROCEDUREOID:
	case REGOPEROID:
	case REGOPERATOROID:
	case REGCOLLATIONOID:
	case REGCONFIGOID:
	case REGDICTIONARYOID:
		return ColumnKind::object_name;
	default:
		break;
	}
	if (OidIsValid(get_element_type(type)) && type != OIDVECTOROID && type != INT2VECTOROID)
		return ColumnKind::array;
	return type_is_rowtype(type) ? ColumnKind::composite : ColumnKind::other;
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

/// Name and schema of a catalogue's row. Both NULL where there is none.
struct ObjectName {
	char *name;
	char *schema;
};

template <class Form> ObjectName name_in(int cache, Oid object, NameData Form::*name, Oid Form::*schema)
{
	HeapTuple tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	if (!HeapTupleIsValid(tuple))
		return {nullptr, nullptr};
	const auto *form = reinterpret_cast<const Form *>(GETSTRUCT(tuple));
	const ObjectName found{pstrdup(NameStr(form->*name)), get_namespace_name(form->*schema)};
	ReleaseSysCache(tuple);
	return found;
}

ObjectName name_of(Oid type, Oid object)
{
	switch (type) {
	case REGPROCOID:
		return name_in(PROCOID, object, &FormData_pg_proc::proname, &FormData_pg_proc::pronamespace);
	case REGOPEROID:
		return name_in(OPEROID, object, &FormData_pg_operator::oprname, &FormData_pg_operator::oprnamespace);
	case REGCOLLATIONOID:
		return name_in(
			COLLOID, object, &FormData_pg_collation::collname, &FormData_pg_collation::collnamespace);
	case REGCONFIGOID:
		return name_in(
			TSCONFIGOID, object, &FormData_pg_ts_config::cfgname, &FormData_pg_ts_config::cfgnamespace);
	case REGDICTIONARYOID:
		return name_in(
			TSDICTOID, object, &FormData_pg_ts_dict::dictname, &FormData_pg_ts_dict::dictnamespace);
	default:
		return name_in(RELOID, object, &FormData_pg_class::relname, &FormData_pg_class::relnamespace);
	}
}

/// The name with its schema. (What the type writes depends on the search path.)
char *object_name(Oid type, Oid object)
{
	const bool is_operator = type == REGOPEROID || type == REGOPERATOROID;
	if (!OidIsValid(object))
		return pstrdup(is_operator ? "0" : "-");
	char *name = nullptr;
	if (type == REGTYPEOID)
		name = SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(object)) ? format_type_be_qualified(object)
																		: nullptr;
	else if (type == REGPROCEDUREOID)
		name = SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(object)) ? format_procedure_qualified(object)
																		: nullptr;
	else if (type == REGOPERATOROID)
		name = SearchSysCacheExists1(OPEROID, ObjectIdGetDatum(object)) ? format_operator_qualified(object)
																		: nullptr;
	else if (const ObjectName found = name_of(type, object); found.name)
		name = is_operator ? psprintf("%s.%s", quote_identifier(found.schema), found.name)
						   : quote_qualified_identifier(found.schema, found.name);
	return name ? name : psprintf("%u", object);
}

Numeric make_numeric(int64 number)
{
	auto *place = static_cast<char *>(palloc(numeric_of_integer_size));
	write_numeric(number, place);
	return reinterpret_cast<Numeric>(place);
}

/// As JsonEncodeDateTime() does under the fixed settings, at a tenth of the cost for dates and timestamps of our time.
int write_datetime(char *text, Oid type, Datum datum)
{
	int length = 0;
	if (type == TIMESTAMPTZOID || type == TIMESTAMPOID)
		length = core::write_timestamp(DatumGetTimestamp(datum), type == TIMESTAMPTZOID, text);
	else if (type == DATEOID)
		length = core::write_date(DatumGetDateADT(datum), text);
	if (length == 0) {
		JsonEncodeDateTime(text, datum, type, nullptr);
		length = static_cast<int>(strlen(text));
	}
	return length;
}

/// A value that has no parts.
void set_scalar(JsonbValue &value, ValueType &type, Datum datum)
{
	switch (type.kind) {
	case ColumnKind::boolean:
		value.type = jbvBool;
		value.val.boolean = DatumGetBool(datum);
		return;
	case ColumnKind::int2:
	case ColumnKind::int4:
	case ColumnKind::int8: {
		const int64 number = type.kind == ColumnKind::int2 ? DatumGetInt16(datum)
			: type.kind == ColumnKind::int4                ? DatumGetInt32(datum)
														   : DatumGetInt64(datum);
		value.type = jbvNumeric;
		value.val.numeric = make_numeric(number);
		return;
	}
	case ColumnKind::floating:
		set_number_text(value, OutputFunctionCall(&type.output, datum));
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
	case ColumnKind::money:
		value.type = jbvNumeric;
		value.val.numeric = int64_div_fast_to_numeric(DatumGetInt64(datum), 2);
		return;
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
		static_assert(core::utc_text_size <= MAXDATELEN);
		auto *buffer = static_cast<char *>(palloc(MAXDATELEN + 1));
		set_string(value, buffer, write_datetime(buffer, type.type, datum));
		return;
	}
	case ColumnKind::object_name: {
		char *string = object_name(type.type, DatumGetObjectId(datum));
		set_string(value, string, static_cast<int>(strlen(string)));
		return;
	}
	case ColumnKind::array:
	case ColumnKind::composite:
		elog(ERROR, "value has parts");
	case ColumnKind::other: {
		char *string = OutputFunctionCall(&type.output, datum);
		set_string(value, string, static_cast<int>(strlen(string)));
		return;
	}
	}
}

JsonbValue *push_scalar(JsonbParseState **state, JsonbIteratorToken token, ValueType &type, Datum datum)
{
	JsonbValue value;
	set_scalar(value, type, datum);
	return pushJsonbValue(state, token, &value);
}

/// Adds a value that is not NULL. `token`: WJB_VALUE in an object, WJB_ELEM in an array.
JsonbValue *push_value(JsonbParseState **state, JsonbIteratorToken token, ValueType &type, Datum datum);

/// An array's elements, one after the other.
struct Elements {
	Datum *values;
	bool *nulls;
	int next;
};

JsonbValue *push_dimension(
	JsonbParseState **state, ValueType &element, const int *sizes, int dimensions, Elements &elements)
{
	pushJsonbValue(state, WJB_BEGIN_ARRAY, nullptr);
	for (int i = 0; i < sizes[0]; ++i) {
		if (dimensions > 1) {
			push_dimension(state, element, sizes + 1, dimensions - 1, elements);
			continue;
		}
		const int at = elements.next++;
		if (elements.nulls[at]) {
			JsonbValue null;
			null.type = jbvNull;
			pushJsonbValue(state, WJB_ELEM, &null);
		} else {
			push_value(state, WJB_ELEM, element, elements.values[at]);
		}
	}
	return pushJsonbValue(state, WJB_END_ARRAY, nullptr);
}

JsonbValue *push_array(JsonbParseState **state, ValueType &type, Datum datum)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	int16 length;
	bool by_value;
	char alignment;
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &alignment);
	Elements elements{};
	int count;
	deconstruct_array(
		array, ARR_ELEMTYPE(array), length, by_value, alignment, &elements.values, &elements.nulls, &count);
	const int none = 0;
	const bool is_empty = ARR_NDIM(array) == 0;
	return push_dimension(
		state, *type.element, is_empty ? &none : ARR_DIMS(array), is_empty ? 1 : ARR_NDIM(array), elements);
}

JsonbValue *push_composite(JsonbParseState **state, Datum datum)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(datum);
	// Looked up each time: ALTER TYPE may have changed it, and nothing here is told.
	TupleDesc descriptor =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple{};
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	pushJsonbValue(state, WJB_BEGIN_OBJECT, nullptr);
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		if (attribute->attisdropped)
			continue;
		JsonbValue value;
		value.type = jbvString;
		value.val.string.val = pstrdup(NameStr(attribute->attname));
		value.val.string.len = static_cast<int>(strlen(NameStr(attribute->attname)));
		pushJsonbValue(state, WJB_KEY, &value);
		bool is_null;
		Datum field = heap_getattr(&tuple, i + 1, descriptor, &is_null);
		if (is_null) {
			value.type = jbvNull;
			pushJsonbValue(state, WJB_VALUE, &value);
		} else {
			ValueType type = make_value_type(attribute->atttypid);
			push_value(state, WJB_VALUE, type, field);
		}
	}
	ReleaseTupleDesc(descriptor);
	return pushJsonbValue(state, WJB_END_OBJECT, nullptr);
}

JsonbValue *push_value(JsonbParseState **state, JsonbIteratorToken token, ValueType &type, Datum datum)
{
	check_stack_depth();
	switch (type.kind) {
	case ColumnKind::array:
		return push_array(state, type, datum);
	case ColumnKind::composite:
		return push_composite(state, datum);
	default:
		return push_scalar(state, token, type, datum);
	}
}

} // namespace

Size write_numeric(int64 number, char *place)
{
	constexpr uint16 is_short = 0x8000, is_negative = 0x2000;
	constexpr int base = 10000, most_digits = 5;
	int16 digits[most_digits];
	int first = most_digits;
	for (uint64 rest = number < 0 ? 0 - static_cast<uint64>(number) : static_cast<uint64>(number); rest > 0;
		 rest /= base)
		digits[--first] = static_cast<int16>(rest % base);
	const int weight = Max(most_digits - 1 - first, 0);
	int end = most_digits;
	while (end > first && digits[end - 1] == 0)
		--end;
	const Size digits_size = (end - first) * sizeof(int16);
	const Size size = VARHDRSZ + sizeof(uint16) + digits_size;
	static_assert(numeric_of_integer_size == VARHDRSZ + sizeof(uint16) + most_digits * sizeof(int16));
	SET_VARSIZE(place, size);
	const auto header = static_cast<uint16>(is_short | (number < 0 ? is_negative : 0) | weight);
	memcpy(place + VARHDRSZ, &header, sizeof(header));
	memcpy(place + VARHDRSZ + sizeof(header), digits + first, digits_size);
	return size;
}

ValueType make_value_type(Oid declared)
{
	ValueType type{};
	type.type = getBaseType(declared);
	type.kind = kind_of(type.type);
	if (type.kind == ColumnKind::array) {
		type.element = static_cast<ValueType *>(palloc(sizeof(ValueType)));
		*type.element = make_value_type(get_element_type(type.type));
	} else if (type.kind == ColumnKind::other || type.kind == ColumnKind::floating) {
		Oid function;
		bool is_varlena;
		getTypeOutputInfo(type.type, &function, &is_varlena);
		fmgr_info_cxt(function, &type.output, CurrentMemoryContext);
	}
	return type;
}

bool depends_on_settings(const ValueType &type)
{
	return type.kind == ColumnKind::floating || type.kind >= ColumnKind::datetime;
}

JsonbPart encode_value(ValueType &type, Datum datum)
{
	JsonbParseState *state = nullptr;
	JsonbValue value;
	switch (type.kind) {
	case ColumnKind::array:
		return jsonb_part_of_tree(push_array(&state, type, datum));
	case ColumnKind::composite:
		return jsonb_part_of_tree(push_composite(&state, datum));
	default:
		set_scalar(value, type, datum);
		return jsonb_part(value);
	}
}

namespace
{

/// A numeric is a short header and digits, behind its length. NaN and the infinities are not numbers to JSON.
bool is_special_numeric(const char *bytes)
{
	constexpr uint16 special = 0xC000;
	uint16 header;
	memcpy(&header, bytes, sizeof(header));
	return (header & special) == special;
}

/// Is a jsonb value an array or an object?
bool is_container(const char *bytes)
{
	uint32 header;
	memcpy(&header, bytes, sizeof(header));
	return (header & JB_FSCALAR) == 0;
}

/// Adds the value as it is stored, without making a JSON value of it first. False: that cannot be.
bool add_as_stored(ImageWriter &image, const ValueType &type, Datum datum)
{
	switch (type.kind) {
	case ColumnKind::boolean:
		image.add_constant(DatumGetBool(datum) ? ImageConstant::yes : ImageConstant::no);
		return true;
	case ColumnKind::int2:
		image.add_integer(DatumGetInt16(datum));
		return true;
	case ColumnKind::int4:
		image.add_integer(DatumGetInt32(datum));
		return true;
	case ColumnKind::int8:
		image.add_integer(DatumGetInt64(datum));
		return true;
	case ColumnKind::datetime:
		return type.type == DATEOID ? image.add_day(DatumGetDateADT(datum))
									: (type.type == TIMESTAMPTZOID || type.type == TIMESTAMPOID) &&
				image.add_time(DatumGetTimestamp(datum), type.type == TIMESTAMPTZOID);
	case ColumnKind::text:
	case ColumnKind::json:
	case ColumnKind::numeric:
	case ColumnKind::jsonb: {
		varlena *value = PG_DETOAST_DATUM_PACKED(datum);
		const char *bytes = VARDATA_ANY(value);
		if ((type.kind == ColumnKind::numeric && is_special_numeric(bytes)) ||
			(type.kind == ColumnKind::jsonb && !is_container(bytes)))
			return false;
		image.add_bytes(type.kind == ColumnKind::numeric ? ImageTag::numeric
				: type.kind == ColumnKind::jsonb         ? ImageTag::container
														 : ImageTag::string,
			bytes, VARSIZE_ANY_EXHDR(value));
		return true;
	}
	default:
		return false;
	}
}

} // namespace

void add_value(ImageWriter &image, ValueType &type, Datum datum)
{
	if (!add_as_stored(image, type, datum))
		image.add_part(encode_value(type, datum));
}

} // namespace lockstep

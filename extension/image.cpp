#include "image.hpp"

#include "jsonb_object.hpp"
#include "output_settings.hpp"
#include "value_error.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_image)

namespace lockstep
{

namespace
{

Column make_column(Form_pg_attribute attribute)
{
	Column column{};
	column.number = attribute->attnum;
	column.value = make_value_type(attribute->atttypid);
	column.name = pstrdup(NameStr(attribute->attname));
	column.name_length = static_cast<int>(strlen(column.name));
	return column;
}

/// The order in which jsonb keeps an object's keys: shorter first, then bytewise.
int compare_names(const void *left, const void *right)
{
	const auto &a = *static_cast<const Column *>(left);
	const auto &b = *static_cast<const Column *>(right);
	if (a.name_length != b.name_length)
		return a.name_length < b.name_length ? -1 : 1;
	return memcmp(a.name, b.name, a.name_length);
}

/// Makes an image in `target`; what it makes on the way it leaves in the current context.
using Assemble = varlena *(*)(const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target);

varlena *assemble_object(const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target)
{
	auto *members = palloc_array_of<JsonbMember>(Max(set.count, 1));
	int count = 0;
	for (int i = 0; i < set.count; ++i) {
		if (pick && !pick[i])
			continue;
		Column &column = set.columns[i];
		const int at = column.number - 1;
		members[count++] = {column.name, column.name_length,
			row.nulls[at] ? JsonbPart{JENTRY_ISNULL, nullptr, 0}
						  : encode_value(column.value, row.values[at])};
	}
	MemoryContext caller = MemoryContextSwitchTo(target);
	Jsonb *image = write_jsonb_object(members, count);
	MemoryContextSwitchTo(caller);
	return reinterpret_cast<varlena *>(image);
}

varlena *assemble_packed(const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target)
{
	const int64 shape = intern_shape(set.names, set.count, set.shape);
	ImageWriter image =
		pick ? ImageWriter::begin_sparse(shape, pick, set.count) : ImageWriter::begin_full(shape);
	for (int i = 0; i < set.count; ++i) {
		if (pick && !pick[i])
			continue;
		Column &column = set.columns[i];
		const int at = column.number - 1;
		if (row.nulls[at])
			image.add_constant(ImageConstant::null);
		else
			add_value(image, column.value, row.values[at]);
	}
	return image.finish(target);
}

/// Makes the image, or NULL where a value has no JSON form. What a failing output function held is released.
varlena *try_assemble(
	Assemble assemble, const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target)
{
	varlena *image = nullptr;
	const bool success =
		without_value_error(set.has_nested, [&] { image = assemble(set, row, pick, target); });
	return success ? image : nullptr;
}

/// Above this, a value is left out of an image that would otherwise be too large.
constexpr Size large_value = 1024 * 1024;

/// The slow way, after a first failure: finds the columns that have no JSON form one by one.
varlena *assemble_what_can_be(Assemble assemble, const ColumnSet &set, const Row &row, const bool *pick,
	MemoryContext target, ArrayType **omitted)
{
	auto *keep = palloc_array_of<bool>(set.count);
	auto *single = palloc_array_of<bool>(set.count);
	auto *names = palloc_array_of<Datum>(set.count);
	varlena *image = nullptr;
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
			const bool is_varlena =
				column.value.kind >= ColumnKind::text && column.value.kind <= ColumnKind::jsonb;
			const bool too_large = attempt > 0 && is_varlena && !row.nulls[at] &&
				toast_raw_datum_size(row.values[at]) > large_value;
			keep[i] = !too_large && !row.is_missing(at) &&
				(attempt < 2 || column.value.kind < ColumnKind::array) &&
				try_assemble(assemble, set, row, single, CurrentMemoryContext) != nullptr;
			if (!keep[i])
				names[count++] = PointerGetDatum(cstring_to_text_with_len(column.name, column.name_length));
		}
		image = try_assemble(assemble, set, row, keep, target);
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

varlena *make_image(Assemble assemble, const ColumnSet &set, const Row &row, const bool *pick,
	MemoryContext target, ArrayType **omitted)
{
	MemoryContext scratch = scratch_context();
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	varlena *volatile image = nullptr;
	const OutputSettings saved = set.uses_settings ? OutputSettings::fix() : OutputSettings{};
	PG_TRY();
	{
		image = row.missing ? nullptr : try_assemble(assemble, set, row, pick, target);
		if (!image)
			image = assemble_what_can_be(assemble, set, row, pick, target, omitted);
	}
	PG_FINALLY();
	{
		if (set.uses_settings)
			saved.restore();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
	return image;
}

} // namespace

ColumnSet make_column_set(TupleDesc descriptor, const bool *excluded)
{
	ColumnSet set{};
	set.columns = palloc_array_of<Column>(Max(descriptor->natts, 1));
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		if (attribute->attisdropped || (excluded && excluded[i]))
			continue;
		Column column = make_column(attribute);
		set.uses_settings |= depends_on_settings(column.value);
		set.has_nested |=
			column.value.kind == ColumnKind::array || column.value.kind == ColumnKind::composite;
		set.columns[set.count++] = column;
	}
	qsort(set.columns, set.count, sizeof(Column), compare_names);
	set.names = palloc_array_of<ShapeName>(Max(set.count, 1));
	for (int i = 0; i < set.count; ++i)
		set.names[i] = {set.columns[i].name, set.columns[i].name_length};
	return set;
}

Jsonb *build_image(
	const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target, ArrayType **omitted)
{
	return reinterpret_cast<Jsonb *>(make_image(assemble_object, set, row, pick, target, omitted));
}

varlena *pack_image(
	const ColumnSet &set, const Row &row, const bool *pick, MemoryContext target, ArrayType **omitted)
{
	return make_image(assemble_packed, set, row, pick, target, omitted);
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
	Jsonb *image = build_image(cache->set, Row{values, nulls}, nullptr, CurrentMemoryContext, &omitted);
	PG_RETURN_JSONB_P(image);
}

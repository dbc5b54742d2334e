#include "row.hpp"

#include "output_settings.hpp"
#include "value_error.hpp"

namespace lockstep
{

namespace
{

/// The root's expression for a column of `relation`, over the columns of that.
Expr *expression_of(Relation relation, Oid root, const char *name)
{
	const AttrNumber number = get_attnum(root, name);
	if (root == RelationGetRelid(relation))
		return virtual_column_expression(relation, number);
	Relation table = table_open(root, AccessShareLock);
	List *expression = list_make1(virtual_column_expression(table, number));
	expression = map_partition_varattnos(expression, 1, relation, table);
	table_close(table, AccessShareLock);
	return static_cast<Expr *>(linitial(expression));
}

} // namespace

VirtualColumns make_virtual_columns(Relation relation, Oid root, const bool *excluded)
{
	VirtualColumns columns{};
	TupleDesc descriptor = RelationGetDescr(relation);
	const int attribute_count = descriptor->natts;
	for (int i = 0; i < attribute_count; ++i) {
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		if (attribute->attisdropped || attribute->attgenerated != attribute_generated_virtual || excluded[i])
			continue;
		Expr *expression = expression_of(relation, root, NameStr(attribute->attname));
		if (!columns.numbers) {
			columns.numbers = palloc_array_of<AttrNumber>(attribute_count);
			columns.expressions = palloc_array_of<ExprState *>(attribute_count);
			columns.context = CreateStandaloneExprContext();
		}
		columns.numbers[columns.count] = static_cast<AttrNumber>(i + 1);
		columns.expressions[columns.count++] = ExecInitExpr(expression_planner(expression), nullptr);
	}
	return columns;
}

Row read_row(const VirtualColumns &columns, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	if (columns.count == 0)
		return Row{slot->tts_values, slot->tts_isnull};
	const int count = slot->tts_tupleDescriptor->natts;
	auto *values = palloc_array_of<Datum>(count);
	auto *nulls = palloc_array_of<bool>(count);
	memcpy(values, slot->tts_values, count * sizeof(Datum));
	memcpy(nulls, slot->tts_isnull, count * sizeof(bool));
	bool *missing = nullptr;

	columns.context->ecxt_scantuple = slot;
	// An immutable expression may turn a float or a bytea into text.
	const OutputSettings saved = OutputSettings::fix();
	PG_TRY();
	{
		for (int i = 0; i < columns.count; ++i) {
			const int at = columns.numbers[i] - 1;
			const bool known = without_value_error(true,
				[&] { values[at] = ExecEvalExpr(columns.expressions[i], columns.context, &nulls[at]); });
			if (known)
				continue;
			if (!missing)
				missing = static_cast<bool *>(palloc0(count * sizeof(bool)));
			missing[at] = nulls[at] = true;
		}
	}
	PG_FINALLY();
	{
		saved.restore();
		columns.context->ecxt_scantuple = nullptr;
	}
	PG_END_TRY();
	return Row{values, nulls, missing};
}

} // namespace lockstep

#include "jsonb_object.hpp"

namespace lockstep
{

namespace
{

/// Numbers and containers begin at a multiple of four bytes; the gap before one counts as part of it.
Size padding(Size at)
{
	return INTALIGN(at) - at;
}

bool is_aligned(const JsonbPart &part)
{
	return part.type == JENTRY_ISNUMERIC || part.type == JENTRY_ISCONTAINER;
}

/// The entries of an object's keys and then of its values. Each has its length, but every JB_OFFSET_STRIDE'th the place where it ends.
class Entries {
public:
	explicit Entries(JEntry *first) : next_(first) {}

	void add(JEntry type, Size size)
	{
		end_ += size;
		const bool has_offset = index_++ % JB_OFFSET_STRIDE == 0;
		*next_++ =
			type | (has_offset ? JENTRY_HAS_OFF | static_cast<JEntry>(end_) : static_cast<JEntry>(size));
	}

private:
	JEntry *next_;
	int index_ = 0;
	Size end_ = 0;
};

} // namespace

JsonbPart jsonb_part(const JsonbValue &value)
{
	switch (value.type) {
	case jbvNull:
		return {JENTRY_ISNULL, nullptr, 0};
	case jbvBool:
		return {
			static_cast<JEntry>(value.val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE), nullptr, 0};
	case jbvNumeric:
		return {JENTRY_ISNUMERIC, reinterpret_cast<const char *>(value.val.numeric),
			VARSIZE_ANY(value.val.numeric)};
	case jbvString:
		return {JENTRY_ISSTRING, value.val.string.val, static_cast<Size>(value.val.string.len)};
	case jbvBinary:
		return {JENTRY_ISCONTAINER, reinterpret_cast<const char *>(value.val.binary.data),
			static_cast<Size>(value.val.binary.len)};
	default:
		elog(ERROR, "unexpected jsonb value type %d", static_cast<int>(value.type));
	}
}

JsonbPart jsonb_part_of_tree(JsonbValue *tree)
{
	Jsonb *jsonb = JsonbValueToJsonb(tree);
	return {JENTRY_ISCONTAINER, VARDATA(jsonb), VARSIZE(jsonb) - VARHDRSZ};
}

Jsonb *write_jsonb_object(const JsonbMember *members, int count)
{
	Size names = 0, values = 0;
	for (int i = 0; i < count; ++i) {
		names += members[i].name_length;
		values += members[i].value.size + (is_aligned(members[i].value) ? sizeof(JEntry) - 1 : 0);
	}
	if (names + values > JENTRY_OFFLENMASK)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("total size of jsonb object elements exceeds the maximum of %u bytes", JENTRY_OFFLENMASK));

	const Size header =
		offsetof(Jsonb, root) + offsetof(JsonbContainer, children) + 2 * count * sizeof(JEntry);
	auto *start = static_cast<char *>(palloc(header + names + values));
	auto *jsonb = reinterpret_cast<Jsonb *>(start);
	jsonb->root.header = static_cast<uint32>(count) | JB_FOBJECT;
	Entries entries(jsonb->root.children);
	char *at = start + header;
	for (int i = 0; i < count; ++i) {
		memcpy(at, members[i].name, members[i].name_length);
		at += members[i].name_length;
		entries.add(JENTRY_ISSTRING, members[i].name_length);
	}
	for (int i = 0; i < count; ++i) {
		const JsonbPart &value = members[i].value;
		const Size gap = is_aligned(value) ? padding(at - start) : 0;
		memset(at, 0, gap);
		at += gap;
		if (value.size > 0)
			memcpy(at, value.data, value.size);
		at += value.size;
		entries.add(value.type, gap + value.size);
	}
	SET_VARSIZE(jsonb, at - start);
	return jsonb;
}

} // namespace lockstep

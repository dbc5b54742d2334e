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

void require_jsonb_size(Size size)
{
	if (size > JENTRY_OFFLENMASK)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("total size of jsonb object elements exceeds the maximum of %u bytes", JENTRY_OFFLENMASK));
}

JsonbObjectWriter::JsonbObjectWriter(int count, Size names, Size values)
	: count_(count), gap_(0), next_(0), end_(0)
{
	const Size header =
		offsetof(Jsonb, root) + offsetof(JsonbContainer, children) + 2 * count * sizeof(JEntry);
	auto *start = static_cast<char *>(palloc(header + names + values));
	object_ = reinterpret_cast<Jsonb *>(start);
	object_->root.header = static_cast<uint32>(count) | JB_FOBJECT;
	at_ = start + header;
}

/// Each has its length, but every JB_OFFSET_STRIDE'th the place where it ends.
void JsonbObjectWriter::add_entry(JEntry type, Size size)
{
	end_ += size;
	const bool has_offset = next_ % JB_OFFSET_STRIDE == 0;
	object_->root.children[next_++] =
		type | (has_offset ? JENTRY_HAS_OFF | static_cast<JEntry>(end_) : static_cast<JEntry>(size));
}

void JsonbObjectWriter::add_name(const char *name, int length)
{
	memcpy(at_, name, length);
	at_ += length;
	add_entry(JENTRY_ISSTRING, length);
}

void JsonbObjectWriter::add_all_names(const JEntry *entries, const char *names, Size size)
{
	memcpy(object_->root.children, entries, count_ * sizeof(JEntry));
	memcpy(at_, names, size);
	at_ += size;
	next_ = count_;
	end_ = size;
}

void JsonbObjectWriter::add_value(const JsonbPart &value)
{
	char *place = is_aligned(value) ? begin_aligned() : begin();
	if (value.size > 0)
		memcpy(place, value.data, value.size);
	end_value(value.type, value.size);
}

char *JsonbObjectWriter::begin_aligned()
{
	gap_ = padding(at_ - reinterpret_cast<char *>(object_));
	memset(at_, 0, gap_);
	at_ += gap_;
	return at_;
}

void JsonbObjectWriter::end_value(JEntry type, Size size)
{
	at_ += size;
	add_entry(type, gap_ + size);
	gap_ = 0;
}

Jsonb *JsonbObjectWriter::finish()
{
	SET_VARSIZE(object_, at_ - reinterpret_cast<char *>(object_));
	return object_;
}

Jsonb *write_jsonb_object(const JsonbMember *members, int count)
{
	Size names = 0, values = 0;
	for (int i = 0; i < count; ++i) {
		names += members[i].name_length;
		values += members[i].value.size + (is_aligned(members[i].value) ? sizeof(JEntry) - 1 : 0);
	}
	require_jsonb_size(names + values);
	JsonbObjectWriter object(count, names, values);
	for (int i = 0; i < count; ++i)
		object.add_name(members[i].name, members[i].name_length);
	for (int i = 0; i < count; ++i)
		object.add_value(members[i].value);
	return object.finish();
}

} // namespace lockstep

// Writes a jsonb object in the form in which the server stores it, without the tree that jsonb's own builder makes first.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// A value as it stands in a jsonb object.
struct JsonbPart {
	JEntry type;      // JENTRY_ISSTRING, JENTRY_ISNUMERIC, JENTRY_ISBOOL_TRUE and so on, without a length
	const char *data; // NULL for null, true and false
	Size size;
};

/// A string, a number, true, false, null or, in its binary form, an array or an object. Points into `value`.
JsonbPart jsonb_part(const JsonbValue &value);
/// An array or object that pushJsonbValue() has built, or a scalar. Allocates in the current context.
JsonbPart jsonb_part_of_tree(JsonbValue *tree);

/// One member of an object.
struct JsonbMember {
	const char *name;
	int name_length;
	JsonbPart value;
};

/// Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED where jsonb cannot hold so many bytes of names and values.
void require_jsonb_size(Size size);

/// Writes an object: all its names in jsonb's order (shorter ones first, then bytewise; distinct), then their values. It is what the
/// server would make of them, byte for byte.
class JsonbObjectWriter {
public:
	/// `names` bytes of names, at most `values` bytes of values, what aligns them counted. Allocates in the current context.
	JsonbObjectWriter(int count, Size names, Size values);

	void add_name(const char *name, int length);
	/// All names at once, with the entries that another writer made of them.
	void add_all_names(const JEntry *entries, const char *names, Size size);
	/// For add_all_names().
	const JEntry *name_entries() const { return object_->root.children; }

	void add_value(const JsonbPart &value);
	/// A value that is written by the caller: where; and what it was.
	char *begin() { return at_; }
	char *begin_aligned();
	void end_value(JEntry type, Size size);

	Jsonb *finish();

private:
	void add_entry(JEntry type, Size size);

	Jsonb *object_;
	int count_;
	char *at_;
	Size gap_; // before the value that is being written
	int next_; // entry
	Size end_; // of what the entries before describe
};

/// The object with these members, which must stand in jsonb's order. Allocates in the current context. Raises
/// ERRCODE_PROGRAM_LIMIT_EXCEEDED where the object would be larger than jsonb can be.
Jsonb *write_jsonb_object(const JsonbMember *members, int count);

} // namespace lockstep

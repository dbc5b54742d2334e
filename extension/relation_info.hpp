// What the triggers need to know of a tracked table, gathered once per backend and kept until the table changes.
#pragma once

#include "image.hpp"
#include "pg/server.hpp"

namespace lockstep
{

/// Facts of one relation that rows are written to: the tracked table itself, or a leaf of it.
struct RelationInfo {
	Oid relation; // hash key
	bool valid;
	Oid root; // the tracked table
	int key_count;
	ColumnKind key_kind;     // of the first key column
	AttrNumber *key_numbers; // in the order in which the key was declared
	AttrNumber version_column;
	Oid version_type;               // int4 or int8
	ColumnSet columns;              // what is logged
	VirtualColumns virtual_columns; // those of them that are not stored
	bool *is_key;                   // by index into columns
	int version_index;              // of the version column in columns
	MemoryContext context;
};

/// The facts of a relation that is tracked, or is a partition of a tracked table; an error otherwise. Valid until the next call.
const RelationInfo *relation_info(Relation relation);

/// An error unless the trigger at work is the one that track() made: a second one would log every change twice.
void require_own_trigger(const TriggerData *trigger, const char *name);

void register_relation_info_callbacks();

/// A version as the column's type has it; NULL counts as 0 (Rails writes it so).
int64 version_from_datum(const RelationInfo &info, Datum value, bool is_null);
Datum version_to_datum(const RelationInfo &info, int64 version);

} // namespace lockstep

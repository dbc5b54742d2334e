// Column numbers of lockstep's own tables, in the order of extension/install/20-tables.sql.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

enum ChangeColumn : AttrNumber {
	change_xid = 1,
	change_seq,
	change_at,
	change_version,
	change_key_hash,
	change_origin,
	change_root,
	change_leaf,
	change_segment,
	change_era,
	change_ordinal,
	change_op,
	change_key,
	change_row,
	change_old,
	change_omitted,
	change_columns = change_omitted
};

enum OriginColumn : AttrNumber {
	origin_id = 1,
	origin_hash,
	origin_verified,
	origin_actor,
	origin_client,
	origin_reason,
	origin_session_user,
	origin_application,
	origin_address,
	origin_columns = origin_address
};

enum ShapeColumn : AttrNumber { shape_id = 1, shape_hash, shape_names, shape_columns = shape_names };

enum EraColumn : AttrNumber {
	era_number = 1,
	era_system,
	era_database,
	era_timeline,
	era_started,
	era_beginning,
	era_columns = era_beginning
};

enum BeginningColumn : AttrNumber { beginning_lsn = 1, beginning_id, beginning_columns = beginning_id };

enum SegmentColumn : AttrNumber {
	segment_number = 1,
	segment_relation,
	segment_opened_at,
	segment_closed_at,
	segment_first_era,
	segment_last_era,
	segment_first_xid,
	segment_last_xid,
	segment_first_seq,
	segment_last_seq,
	segment_first_at,
	segment_last_at,
	segment_changes,
	segment_bytes,
	segment_writers,
	segment_columns = segment_writers
};

enum RetirementColumn : AttrNumber {
	retirement_position = 1,
	retirement_last_at,
	retirement_segments,
	retirement_writers,
	retirement_writers_from,
	retirement_columns = retirement_writers_from
};

enum TrackedTableColumn : AttrNumber {
	tracked_relation = 1,
	tracked_key_columns,
	tracked_version_column,
	tracked_exclude_columns,
	tracked_options,
	tracked_since,
	tracked_column_numbers
};

/// What happened to a row, as the log's `op` column has it.
enum class Op : char {
	insert = 'i',
	update = 'u',
	remove = 'd',
	truncate = 't',
	schema = 's',
	/// Not a change: carries the last `seq` of a transaction whose changes were all written before it committed.
	marker = 'm'
};

const char *op_name(Op op);

} // namespace lockstep

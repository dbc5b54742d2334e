// lockstep.changes(since, upto, max_changes): the feed.
//
// Two passes. The first walks the index over the transactions that `upto` sees and `since` does not, and notes for each change
// where it is. Transactions are then put in the order of their last seq, which respects every dependency between them. The
// second fetches the rows in that order.

#include "core/position.hpp"

#include "era.hpp"
#include "feed_progress.hpp"
#include "feed_rest.hpp"
#include "feed_row.hpp"
#include "feed_scan.hpp"
#include "log_tables.hpp"
#include "logged_bound.hpp"
#include "origin.hpp"
#include "pg/server.hpp"
#include "position_check.hpp"
#include "position_type.hpp"
#include "row_image.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_changes)

namespace lockstep
{

const char *op_name(Op op)
{
	switch (op) {
	case Op::insert:
		return "insert";
	case Op::update:
		return "update";
	case Op::remove:
		return "delete";
	case Op::truncate:
		return "truncate";
	case Op::schema:
		return "schema";
	case Op::marker:
		return "marker";
	}
	elog(ERROR, "unrecognized change kind: %d", static_cast<int>(op));
	pg_unreachable();
}

namespace
{

enum ResultColumn {
	result_xid,
	result_seq,
	result_at,
	result_table,
	result_op,
	result_key,
	result_version,
	result_row,
	result_old,
	result_actor,
	result_client,
	result_reason,
	result_verified,
	result_position,
	result_ordinal,
	result_relid,
	result_omitted,
	result_columns
};

struct NamedTable {
	Oid relation; // hash key
	Datum name;
};

struct NamedOrigin {
	int64 id;    // hash key
	Datum actor; // NULL where there is none, as the two below
	Datum client;
	Datum reason;
	bool verified;
};

constexpr Datum null_datum = 0;

/// Second pass: the rows of the result.
struct Writer {
	ReturnSetInfo *result;
	HTAB *tables;
	HTAB *origins;
	MemoryContext context;     // of what the two refer to
	MemoryContext row_context; // of one row of the result
	// The last ones: rows that follow one another mostly share them.
	NamedTable *table;
	NamedOrigin *origin;
	Datum op_names[UCHAR_MAX + 1];

	Datum table_name(Oid relation)
	{
		if (table && table->relation == relation)
			return table->name;
		bool known;
		auto *entry = static_cast<NamedTable *>(hash_search(tables, &relation, HASH_ENTER, &known));
		if (!known) {
			MemoryContext caller = MemoryContextSwitchTo(context);
			const char *name = get_rel_name(relation);
			// A table that is gone keeps the name under which it was known.
			entry->name = name ? CStringGetTextDatum(quote_qualified_identifier(
									 get_namespace_name(get_rel_namespace(relation)), name))
							   : remembered_name(relation);
			MemoryContextSwitchTo(caller);
		}
		table = entry;
		return entry->name;
	}

	static Datum remembered_name(Oid relation)
	{
		Oid types[] = {OIDOID};
		Datum values[] = {ObjectIdGetDatum(relation)};
		MemoryContext caller = CurrentMemoryContext;
		Datum name = CStringGetTextDatum(psprintf("%u", relation));
		SPI_connect();
		if (SPI_execute_with_args("SELECT table_name FROM lockstep.table_name WHERE relid = $1", 1, types,
				values, nullptr, true, 1) == SPI_OK_SELECT &&
			SPI_processed == 1) {
			MemoryContext spi = MemoryContextSwitchTo(caller);
			char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
			name = CStringGetTextDatum(text);
			MemoryContextSwitchTo(spi);
		}
		SPI_finish();
		return name;
	}

	const NamedOrigin &origin_of(int64 id)
	{
		if (origin && origin->id == id)
			return *origin;
		bool known;
		auto *entry = static_cast<NamedOrigin *>(hash_search(origins, &id, HASH_ENTER, &known));
		if (!known) {
			MemoryContext caller = MemoryContextSwitchTo(context);
			Origin who;
			if (!read_origin(id, GetActiveSnapshot(), &who))
				who = {false, "", "", "", "", "", ""};
			auto text_or_null = [](const char *string) {
				return *string == '\0' ? null_datum : CStringGetTextDatum(string);
			};
			entry->actor = text_or_null(who.actor);
			entry->client = text_or_null(who.client);
			entry->reason = text_or_null(who.reason);
			entry->verified = who.verified;
			MemoryContextSwitchTo(caller);
		}
		origin = entry;
		return *entry;
	}

	Datum op_text(char op)
	{
		Datum &name = op_names[static_cast<unsigned char>(op)];
		if (name == null_datum) {
			MemoryContext caller = MemoryContextSwitchTo(context);
			name = CStringGetTextDatum(op_name(static_cast<Op>(op)));
			MemoryContextSwitchTo(caller);
		}
		return name;
	}

	void put(const ChangeRow &row, const PositionView *position)
	{
		Datum values[result_columns];
		bool nulls[result_columns] = {};
		auto copy = [&](ResultColumn to, ChangeColumn from) {
			values[to] = row.value(from);
			nulls[to] = row.is_null(from);
		};
		auto put_or_null = [&](ResultColumn to, Datum value) {
			values[to] = value;
			nulls[to] = value == null_datum;
		};
		auto put_image = [&](ResultColumn to, ChangeColumn from) {
			nulls[to] = row.is_null(from);
			if (!nulls[to])
				values[to] = JsonbPGetDatum(image_to_jsonb(row.value(from)));
		};
		MemoryContext caller = MemoryContextSwitchTo(row_context);
		copy(result_xid, change_xid);
		copy(result_seq, change_seq);
		copy(result_at, change_at);
		copy(result_key, change_key);
		copy(result_version, change_version);
		put_image(result_row, change_row);
		put_image(result_old, change_old);
		copy(result_ordinal, change_ordinal);
		copy(result_relid, change_root);
		copy(result_omitted, change_omitted);
		values[result_table] = table_name(DatumGetObjectId(row.value(change_root)));
		values[result_op] = op_text(DatumGetChar(row.value(change_op)));
		const NamedOrigin &who = origin_of(DatumGetInt64(row.value(change_origin)));
		put_or_null(result_actor, who.actor);
		put_or_null(result_client, who.client);
		put_or_null(result_reason, who.reason);
		values[result_verified] = BoolGetDatum(who.verified);
		StoredPosition *stored = position ? store(*position) : nullptr;
		put_or_null(result_position, PointerGetDatum(stored));
		MemoryContextSwitchTo(caller);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(row_context);
	}
};

HTAB *make_hash(const char *name, Size key_size, Size entry_size)
{
	HASHCTL control{};
	control.keysize = key_size;
	control.entrysize = entry_size;
	control.hcxt = CurrentMemoryContext;
	return hash_create(name, 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/// One past the last change that belongs into a page of at most `max_changes`: whole transactions, at least one.
size_t page_end(const Feed &feed, int64 max_changes)
{
	int64 delivered = 0;
	for (size_t i = 0; i < feed.count; ++i) {
		delivered += !feed.found[i].is_marker;
		const bool transaction_ends = i + 1 == feed.count || feed.found[i + 1].xid != feed.found[i].xid;
		if (transaction_ends && delivered >= max_changes)
			return i + 1;
	}
	return feed.count;
}

int place_of_segment(const OpenSegments &open, int32 number)
{
	const Segment *segment = find_segment(open.segments, open.count, number);
	if (!segment)
		elog(ERROR, "segment %d of the change log was found, and is not open", number);
	return static_cast<int>(segment - open.segments);
}

void write_page(Feed &feed, size_t end, bool keep_rest, ReturnSetInfo *result)
{
	Writer writer{result, make_hash("lockstep feed tables", sizeof(Oid), sizeof(NamedTable)),
		make_hash("lockstep feed origins", sizeof(int64), sizeof(NamedOrigin)), CurrentMemoryContext,
		AllocSetContextCreate(CurrentMemoryContext, "lockstep feed row", ALLOCSET_DEFAULT_SIZES), nullptr,
		nullptr, {}};
	// Only what is durable may be delivered; the flush is for asynchronous commits, and costs nothing for others.
	const Place here = durable_place(feed.commit_lsn);
	Progress progress(feed);
	// A reader who came from the middle of a batch may know what `upto` does not.
	const size_t bound = Max(feed.since.running.size(), feed.upto.running.size());
	const PositionView final = core::unite(feed.upto, feed.since, {palloc_array_of<Xid>(bound + 1), bound});
	RowReader reader;
	int place_in_open = 0; // of the segment of the change before

	const bool complete = end == feed.count;
	for (size_t i = 0; i < end; ++i) {
		CHECK_FOR_INTERRUPTS();
		// A marker is the last of its transaction, and no change: the position goes to the change before it.
		size_t next = i + 1;
		if (next < end && feed.found[next].is_marker && feed.found[next].xid == feed.found[i].xid)
			++next;
		const Found &found = feed.found[i];
		if (found.is_marker) // of a transaction whose changes were all rolled back
			continue;
		PositionView position;
		const bool transaction_ends = next == feed.count || feed.found[next].xid != found.xid;
		if (transaction_ends) {
			progress.deliver(found.xid);
			position = complete && next == end ? final : progress.position();
			position.identity = here.identity;
			position.lsn = here.lsn;
		}
		if (feed.open.segments[place_in_open].number != found.segment)
			place_in_open = place_of_segment(feed.open, found.segment);
		ChangeRow row;
		if (!reader.read(feed.open.relations[place_in_open], found, row)) {
			forget_rest();
			elog(ERROR, "could not fetch a change from the log");
		}
		writer.put(row, transaction_ends ? &position : nullptr);
	}
	reader.close();
	if (keep_rest && !complete)
		remember_rest(feed, end, progress.position(), progress.passed());
}

} // namespace
} // namespace lockstep

using namespace lockstep;

/// lockstep.changes(since position, upto position, max_changes integer) → setof change
extern "C" Datum lockstep_changes(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"since\" must not be null"),
			errhint("Pass a value that lockstep.position() or lockstep.changes() returned."));
	const int64 max_changes = PG_ARGISNULL(2) ? PG_INT64_MAX : PG_GETARG_INT32(2);
	if (max_changes < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("\"max_changes\" must be greater than zero"));
	InitMaterializedSRF(fcinfo, 0);

	Feed feed{};
	const Place here = place_now();
	feed.since = view(reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(0))));
	require_covered(feed.since, here, PositionRole::since);
	if (PG_ARGISNULL(1)) {
		feed.upto = active_position(logged_bound());
	} else {
		feed.upto = view(reinterpret_cast<StoredPosition *>(PG_DETOAST_DATUM(PG_GETARG_DATUM(1))));
		require_covered(feed.upto, here, PositionRole::upto);
	}
	feed.first_era = first_readable_era();
	feed.open = open_segments_between(feed.since, feed.upto, feed.first_era);

	const bool is_paged = PG_ARGISNULL(1) && !PG_ARGISNULL(2);
	if (!is_paged || !take_rest(feed, max_changes))
		find_changes(feed);
	if (feed.count > 0)
		write_page(feed, page_end(feed, max_changes), is_paged,
			reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo));

	close_segments(feed.open, NoLock);
	PG_RETURN_NULL();
}

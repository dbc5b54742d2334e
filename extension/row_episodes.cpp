#include <algorithm>

#include "row_episodes.hpp"

#include "era.hpp"
#include "log_writer.hpp"
#include "row_image.hpp"
#include "segment_list.hpp"

namespace lockstep
{

namespace
{

/// So many changes that are too old end the search in an index.
constexpr int enough_older = 100;
/// For a longer story nobody keeps count of what is still missing.
constexpr int64 longest_counted = 100000;

struct Search {
	Oid root;
	Jsonb *key;
	int64 hash;
	int32 first_era; // before it, OIDs in the log are those of other tables
	int64 since;
	int64 upto;
	Episodes found;
	int capacity;
	int older;         // changes found that made `since` or an earlier version
	Bitmapset *known;  // versions found, less since + 1
	int64 known_count; // of those
	int64 first;       // the first version that is wanted: the row may have been inserted after `since`
};

void add(Search &search, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	const Datum *values = slot->tts_values;
	Episode episode{};
	episode.seq = DatumGetInt64(values[change_seq - 1]);
	episode.version = slot->tts_isnull[change_version - 1] ? 0 : DatumGetInt64(values[change_version - 1]);
	episode.op = static_cast<Op>(DatumGetChar(values[change_op - 1]));
	episode.origin = DatumGetInt64(values[change_origin - 1]);
	episode.at = DatumGetTimestampTz(values[change_at - 1]);
	if (!slot->tts_isnull[change_old - 1])
		episode.old = image_to_jsonb(values[change_old - 1]);
	if (search.found.count == search.capacity) {
		search.capacity = search.capacity ? search.capacity * 2 : 32;
		const Size size = search.capacity * sizeof(Episode);
		search.found.items =
			static_cast<Episode *>(search.found.items ? repalloc(search.found.items, size) : palloc(size));
	}
	search.found.items[search.found.count++] = episode;

	search.older += episode.version <= search.since;
	if (episode.op == Op::remove || episode.version <= search.since || episode.version > search.upto ||
		search.upto - search.since > longest_counted)
		return;
	const int place = static_cast<int>(episode.version - search.since - 1);
	if (!bms_is_member(place, search.known)) {
		search.known = bms_add_member(search.known, place);
		++search.known_count;
	}
	if (episode.op == Op::insert)
		search.first = Max(search.first, episode.version);
}

/// Each effective change advances the version by one, so it is known when nothing is missing. (The order of rows in a segment says little:
/// a backend goes on in the page that it wrote to last, however long ago.)
bool is_complete(const Search &search)
{
	return search.known_count >= search.upto - search.first + 1;
}

bool is_wanted(const Search &search, TupleTableSlot *slot)
{
	bool is_null;
	if (DatumGetInt64(slot_getattr(slot, change_key_hash, &is_null)) != search.hash || is_null ||
		DatumGetObjectId(slot_getattr(slot, change_root, &is_null)) != search.root ||
		DatumGetInt32(slot_getattr(slot, change_era, &is_null)) < search.first_era)
		return false;
	return DatumGetBool(
		DirectFunctionCall2(jsonb_eq, slot_getattr(slot, change_key, &is_null), JsonbPGetDatum(search.key)));
}

/// Finds the index of a segment on (root, key_hash), which one gets when it is closed.
Oid key_index(Relation segment)
{
	Oid found = InvalidOid;
	List *indexes = RelationGetIndexList(segment);
	ListCell *cell;
	foreach (cell, indexes) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		const Form_pg_index form = index->rd_index;
		if (form->indnkeyatts == 2 && form->indkey.values[0] == change_root &&
			form->indkey.values[1] == change_key_hash && form->indisvalid &&
			index->rd_rel->relam == BTREE_AM_OID)
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

/// Btree keeps equal keys in the order of their place in the table, which for an append-only table is nearly the order of writing.
void search_index(Search &search, Relation segment, Oid index_oid)
{
	Relation index = index_open(index_oid, AccessShareLock);
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(search.root));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(search.hash));
	IndexScanDesc scan = begin_index_scan(segment, index, SnapshotSelf, 2);
	index_rescan(scan, keys, 2, nullptr, 0);
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	while (!is_complete(search) && search.older < enough_older &&
		index_getnext_slot(scan, BackwardScanDirection, slot)) {
		CHECK_FOR_INTERRUPTS();
		if (is_wanted(search, slot))
			add(search, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	index_close(index, AccessShareLock);
}

/// The changes that are looked for are mostly at the end: someone was faster just now.
void search_backwards(Search &search, Relation segment)
{
	TableScanDesc scan = table_beginscan_strat(segment, SnapshotSelf, 0, nullptr, true, false);
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	while (!is_complete(search) && table_scan_getnextslot(scan, BackwardScanDirection, slot)) {
		CHECK_FOR_INTERRUPTS();
		if (is_wanted(search, slot))
			add(search, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

void search_segment(Search &search, Relation segment)
{
	if (const Oid index = key_index(segment); OidIsValid(index))
		search_index(search, segment, index);
	else
		search_backwards(search, segment);
}

} // namespace

Episodes find_episodes(Oid root, Jsonb *key, int64 since, int64 upto)
{
	Search search{};
	search.root = root;
	search.key = key;
	search.hash = key_hash(key);
	search.first_era = first_era_with_tables();
	search.since = since;
	search.upto = upto;
	search.first = since + 1;
	int count;
	int32 *numbers = segment_numbers(&count);
	// One by one, newest first: most stories end in the first.
	for (int i = count - 1; i >= 0 && !is_complete(search) && search.older < enough_older; --i) {
		OpenSegments open =
			open_segments([](const Segment &segment,
							  void *number) { return segment.number == *static_cast<int32 *>(number); },
				&numbers[i], nullptr);
		for (int n = 0; n < open.count; ++n)
			search_segment(search, open.relations[n]);
		close_segments(open, AccessShareLock);
	}
	pfree(numbers);
	std::sort(search.found.items, search.found.items + search.found.count,
		[](const Episode &a, const Episode &b) { return a.seq > b.seq; });
	return search.found;
}

} // namespace lockstep

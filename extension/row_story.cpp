#include <algorithm>

#include "row_story.hpp"

#include "era.hpp"
#include "log_buffer.hpp"
#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "log_writer.hpp"

namespace lockstep
{

namespace
{

/// One change of the row.
struct Episode {
	int64 seq;
	int64 version;
	Op op;
	int64 origin;
	TimestampTz at;
	Jsonb *old;
};

struct Episodes {
	Episode *items;
	int count;
	int capacity;
};

/// So many changes that are too old end the search.
constexpr int enough_older = 100;

void add(Episodes &episodes, const Episode &episode)
{
	if (episodes.count == episodes.capacity) {
		episodes.capacity = episodes.capacity ? episodes.capacity * 2 : 32;
		const Size size = episodes.capacity * sizeof(Episode);
		episodes.items =
			static_cast<Episode *>(episodes.items ? repalloc(episodes.items, size) : palloc(size));
	}
	episodes.items[episodes.count++] = episode;
}

/// Finds the index of a segment on (root, key_hash).
Oid key_index(Relation segment)
{
	Oid found = InvalidOid;
	ListCell *cell;
	foreach (cell, RelationGetIndexList(segment)) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		if (index->rd_index->indkey.values[0] == change_root && index->rd_index->indnkeyatts == 2)
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	return found;
}

/// Reads one segment, newest change first: btree keeps equal keys in the order of their place in the table, which for an append-only
/// table is nearly the order of writing. Returns false once the version that the writer saw is safely behind.
bool read_segment(const Segment &place, const RelationInfo &info, Jsonb *key, int64 since, Episodes &episodes)
{
	Relation segment = table_open(place.relation, AccessShareLock);
	const Oid index_oid = key_index(segment);
	if (!OidIsValid(index_oid)) {
		table_close(segment, AccessShareLock);
		return true;
	}
	Relation index = index_open(index_oid, AccessShareLock);
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(info.root));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key_hash(key)));
	// Not the statement's snapshot: whoever changed the row may have committed since it was taken.
	IndexScanDesc scan = begin_index_scan(segment, index, SnapshotSelf, 2);
	index_rescan(scan, keys, 2, nullptr, 0);
	TupleTableSlot *slot = table_slot_create(segment, nullptr);
	const int32 first_era = first_era_with_tables();
	int older = 0;
	while (older < enough_older && index_getnext_slot(scan, BackwardScanDirection, slot)) {
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		const Datum *values = slot->tts_values;
		if (DatumGetInt32(values[change_era - 1]) < first_era) // its OIDs are other tables now
			continue;
		if (!DatumGetBool(DirectFunctionCall2(jsonb_eq, values[change_key - 1], JsonbPGetDatum(key))))
			continue;
		Episode episode{};
		episode.seq = DatumGetInt64(values[change_seq - 1]);
		episode.version =
			slot->tts_isnull[change_version - 1] ? 0 : DatumGetInt64(values[change_version - 1]);
		episode.op = static_cast<Op>(DatumGetChar(values[change_op - 1]));
		episode.origin = DatumGetInt64(values[change_origin - 1]);
		episode.at = DatumGetTimestampTz(values[change_at - 1]);
		if (!slot->tts_isnull[change_old - 1])
			episode.old = DatumGetJsonbPCopy(values[change_old - 1]);
		older += episode.version <= since;
		add(episodes, episode);
	}
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	index_close(index, AccessShareLock);
	table_close(segment, AccessShareLock);
	return older < enough_older;
}

void add_column_names(List **names, Jsonb *object, const char *version_column)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbValue value;
	JsonbIteratorToken token;
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE) {
		if (token != WJB_KEY)
			continue;
		char *name = pnstrdup(value.val.string.val, value.val.string.len);
		bool is_known = strcmp(name, version_column) == 0;
		ListCell *cell;
		foreach (cell, *names)
			is_known |= strcmp(static_cast<char *>(lfirst(cell)), name) == 0;
		if (!is_known)
			*names = lappend(*names, name);
	}
}

/// What still waits to be written, as an outer transaction's changes may while a sub-transaction runs. True: the present life began here.
bool tell_pending(RowStory &story, const RelationInfo &info, Jsonb *key, const char *version_column,
	int64 since, int64 current)
{
	for (int i = pending_count() - 1; i >= 0; --i) {
		const PendingChange &change = pending_change(i);
		if (change.root != info.root || !change.key ||
			compareJsonbContainers(&change.key->root, &key->root) != 0)
			continue;
		if (change.version <= since)
			return true;
		if (change.version == current) {
			story.is_known = true;
			story.who = *change.origin;
			story.at = GetCurrentTimestamp();
		}
		if (change.old)
			add_column_names(&story.columns, change.old, version_column);
		if (change.op != Op::update)
			return true;
	}
	return false;
}

} // namespace

RowStory tell_row_story(
	const RelationInfo &info, Jsonb *key, const char *version_column, int64 since, int64 current)
{
	RowStory story{};
	if (tell_pending(story, info, key, version_column, since, current))
		return story;
	Episodes episodes{};
	int count;
	Segment *segments = list_segments(&count);
	for (int i = count - 1; i >= 0; --i)
		if (!read_segment(segments[i], info, key, since, episodes))
			break;

	std::sort(episodes.items, episodes.items + episodes.count,
		[](const Episode &a, const Episode &b) { return a.seq > b.seq; });
	for (int i = 0; i < episodes.count; ++i) {
		const Episode &episode = episodes.items[i];
		if (episode.op == Op::remove)
			break; // of an earlier life
		if (episode.version > since && episode.version == current && !story.is_known) {
			story.is_known = read_origin(episode.origin, SnapshotSelf, &story.who);
			story.at = episode.at;
		}
		if (episode.version > since && episode.old) // an insert's holds the key it had before
			add_column_names(&story.columns, episode.old, version_column);
		if (episode.op == Op::insert)
			break;
	}
	return story;
}

} // namespace lockstep

#include "row_story.hpp"

#include "log_buffer.hpp"
#include "log_writer.hpp"
#include "row_episodes.hpp"
#include "row_image.hpp"

namespace lockstep
{

namespace
{

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
	int64 since, int64 current, int64 *logged)
{
	for (int i = pending_count() - 1; i >= 0; --i) {
		const PendingChange &change = pending_change(i);
		if (change.root != info.root || !change.key ||
			compareJsonbContainers(&change.key->root, &key->root) != 0)
			continue;
		if (change.version <= since)
			return true;
		*logged = Min(*logged, change.version - 1);
		if (change.version == current) {
			story.is_known = true;
			story.who = *change.origin;
			story.at = GetCurrentTimestamp();
		}
		if (change.old)
			add_column_names(&story.columns, image_to_jsonb(change.old), version_column);
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
	int64 logged = current; // the newest version that is to be found in the log
	if (tell_pending(story, info, key, version_column, since, current, &logged))
		return story;
	const Episodes episodes = find_episodes(info.root, key, since, logged);
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

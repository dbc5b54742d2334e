#include <algorithm>

#include "change_order.hpp"

#include "log_writer.hpp"
#include "segment_list.hpp"

namespace lockstep
{

namespace
{

/// So many ordinals are left out before those of each command, for changes that come late.
constexpr uint32 room = 8;
constexpr int32 none = -1;

/// Changes that were appended one after the other, both numbers in equal steps: those of a statement, or of a loop of statements.
struct Piece {
	uint32 ordinal; // of the first
	CommandId command;
	uint32 ordinal_step;
	uint32 command_step; // modulo 2^32: commands may descend
};

/// From this number on, changes were appended by a sub-transaction that runs, or by one in it that was committed.
struct Level {
	SubTransactionId subtransaction;
	uint32 first;
};

struct NotedRow;

struct Note {
	uint32 number; // when it was appended: the ordinal, where it did not come late
	uint32 ordinal;
	CommandId command;
	int32 later; // of the same row, in the order of commands
	int32 earlier;
	NotedRow *row;
};

/// What rows are known by. Two keys may have the same key_hash by chance, or by design: a numeric key can be what another hashes to.
struct RowHash {
	Oid root;
	uint32 zero;
	int64 key_hash;
	int64 second;
};

struct NotedRow {
	RowHash hash;
	int32 latest;
};

/// The statement's changes by row, from the first one on that came late.
struct Journal {
	MemoryContext context; // child of TopTransactionContext; of this struct too
	HTAB *rows;
	Note *notes; // in the order of appending
	int32 note_count;
	int32 note_capacity;
};

/// An array that begins in the struct, and goes on in TopTransactionContext.
template <class T> struct FewOrMany {
	T few[4];
	T *many;
	int32 count;
	int32 capacity;

	T *all() { return many ? many : few; }
	T &last() { return all()[count - 1]; }
	void add(const T &item)
	{
		if (count == (many ? capacity : static_cast<int32>(lengthof(few))))
			grow();
		all()[count++] = item;
	}

private:
	void grow()
	{
		const Size size = sizeof(T) * count;
		auto *more = static_cast<T *>(MemoryContextAllocHuge(TopTransactionContext, 4 * size));
		memcpy(more, all(), size);
		if (many)
			pfree(many);
		many = more;
		capacity = 4 * count;
	}
};

struct Order {
	uint32 next;              // ordinal, or number of a change that comes late
	CommandId command_bound;  // above all commands so far
	CommandId changed_by[16]; // the last command that changed a row, by table (of several, the last)
	FewOrMany<Level> levels;
	int64 last_seq; // in the log

	// What follows is of the statement that the client sent last. All that were sent before have ended: their changes come before any that is
	// still to be appended. (A portal that is fetched from in parts only reads, or has made all its changes when the first row is fetched.)
	TimestampTz statement;
	uint32 first;     // no number below belongs to it
	int64 seq_before; // last_seq when it began
	Journal *journal;
	FewOrMany<Piece> pieces; // which command made which change, until there is a journal
	uint32 piece_ordinal;    // of the last change
	CommandId piece_command;
};

Order order;

void begin_statement(TimestampTz statement)
{
	if (order.journal)
		MemoryContextDelete(order.journal->context);
	order.journal = nullptr;
	order.statement = statement;
	order.first = order.next;
	order.seq_before = order.last_seq;
	order.pieces.count = 0;
}

void note_command(uint32 ordinal, CommandId command)
{
	FewOrMany<Piece> &pieces = order.pieces;
	const uint32 ordinal_step = ordinal - order.piece_ordinal;
	const uint32 command_step = command - order.piece_command;
	order.piece_ordinal = ordinal;
	order.piece_command = command;
	if (pieces.count > 0) {
		Piece &last = pieces.last();
		if (last.ordinal_step == ordinal_step && last.command_step == command_step)
			return;
		if (last.ordinal_step == 0) { // it has only one
			last.ordinal_step = ordinal_step;
			last.command_step = command_step;
			return;
		}
	}
	pieces.add({ordinal, command, 0, 0});
}

/// Of a change that did not come late.
CommandId command_of(uint32 ordinal)
{
	const Piece *begin = order.pieces.all();
	const Piece *end = begin + order.pieces.count;
	const Piece *piece = std::upper_bound(
		begin, end, ordinal, [](uint32 left, const Piece &right) { return left < right.ordinal; });
	if (piece == begin)
		elog(ERROR, "no command is known of change %u", ordinal);
	--piece;
	const uint32 steps = piece->ordinal_step == 0 ? 0 : (ordinal - piece->ordinal) / piece->ordinal_step;
	return piece->command + steps * piece->command_step;
}

/// Makes room for one more.
template <class T> void reserve(MemoryContext context, T *&items, int32 count, int32 &capacity)
{
	if (count < capacity)
		return;
	const int32 wanted = capacity == 0 ? 256 : capacity * 2;
	items = static_cast<T *>(items ? repalloc_huge(items, wanted * sizeof(T))
								   : MemoryContextAllocHuge(context, wanted * sizeof(T)));
	capacity = wanted;
}

NotedRow *row_of(Journal &journal, Oid root, int64 key_hash, Datum key)
{
	const RowHash hash{
		root, 0, key_hash, DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended, key, Int64GetDatum(1)))};
	bool is_known;
	auto *row = static_cast<NotedRow *>(hash_search(journal.rows, &hash, HASH_ENTER, &is_known));
	if (!is_known)
		row->latest = none;
	return row;
}

/// Notes a change, in its place among those of its row. Returns its ordinal.
uint32 note_change(Journal &journal, uint32 number, CommandId command, NotedRow *row)
{
	reserve(journal.context, journal.notes, journal.note_count, journal.note_capacity);
	Note *notes = journal.notes;
	int32 later = none;
	int32 earlier = row->latest;
	while (earlier != none && notes[earlier].command > command) {
		later = earlier;
		earlier = notes[earlier].earlier;
	}
	uint32 ordinal = number;
	if (later != none) {
		// In the middle, as more may come between it and either of the two. Where there is no room it shares the later one's ordinal.
		const uint32 end = notes[later].ordinal;
		const uint32 begin = Max(end - Min(end, room), earlier == none ? 0 : notes[earlier].ordinal);
		ordinal = end - (end - begin) / 2;
	}
	const int32 self = journal.note_count++;
	notes[self] = {number, ordinal, command, later, earlier, row};
	(later == none ? row->latest : notes[later].earlier) = self;
	if (earlier != none)
		notes[earlier].later = self;
	return ordinal;
}

void forget_last_note(Journal &journal)
{
	const Note &note = journal.notes[--journal.note_count];
	(note.later == none ? note.row->latest : journal.notes[note.later].earlier) = note.earlier;
	if (note.earlier != none)
		journal.notes[note.earlier].later = note.later;
}

struct Found {
	uint32 number;
	CommandId command;
	NotedRow *row;
};

struct Finds {
	Found *items;
	int32 count;
	int32 capacity;
};

void find(Journal &journal, Finds &finds, uint32 number, CommandId command, NotedRow *row)
{
	reserve(journal.context, finds.items, finds.count, finds.capacity);
	finds.items[finds.count++] = {number, command, row};
}

/// What this statement has written to the log, and has not rolled back.
void find_written(Journal &journal, Finds &finds)
{
	const FullTransactionId own = GetTopFullTransactionIdIfAny();
	// A segment that this transaction has written to is not closed before it ends.
	OpenSegments open =
		open_segments([](const Segment &segment, void *) { return !segment.is_closed; }, nullptr, nullptr);
	for (int i = 0; i < open.count; ++i) {
		Relation segment = open.relations[i];
		Relation index = index_open(position_index(open, i), AccessShareLock);
		ScanKeyData keys[2];
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_XID8EQ, FullTransactionIdGetDatum(own));
		ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(order.seq_before));
		IndexScanDesc scan = begin_index_scan(segment, index, SnapshotSelf, 2);
		index_rescan(scan, keys, 2, nullptr, 0);
		TupleTableSlot *slot = table_slot_create(segment, nullptr);
		while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
			CHECK_FOR_INTERRUPTS();
			slot_getsomeattrs(slot, change_key);
			const Datum *values = slot->tts_values;
			const auto number = static_cast<uint32>(DatumGetInt32(values[change_ordinal - 1]));
			if (number >= order.first && !slot->tts_isnull[change_key - 1])
				find(journal, finds, number, command_of(number),
					row_of(journal, DatumGetObjectId(values[change_root - 1]),
						DatumGetInt64(values[change_key_hash - 1]), values[change_key - 1]));
		}
		ExecDropSingleTupleTableSlot(slot);
		index_endscan(scan);
		index_close(index, AccessShareLock);
	}
	close_segments(open, AccessShareLock);
}

void find_pending(Journal &journal, Finds &finds)
{
	for (int i = 0; i < pending_count(); ++i) {
		const PendingChange &change = pending_change(i);
		if (change.ordinal >= order.first && change.key)
			find(journal, finds, change.ordinal, change.command,
				row_of(journal, change.root, change.key_hash, JsonbPGetDatum(change.key)));
	}
}

/// None of the changes so far came late.
Journal *make_journal()
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "lockstep change order", ALLOCSET_DEFAULT_SIZES);
	auto *journal = static_cast<Journal *>(MemoryContextAllocZero(context, sizeof(Journal)));
	journal->context = context;
	HASHCTL control{};
	control.keysize = sizeof(RowHash);
	control.entrysize = sizeof(NotedRow);
	control.hcxt = context;
	journal->rows =
		hash_create("lockstep changed rows", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Finds finds{};
	if (order.last_seq > order.seq_before)
		find_written(*journal, finds);
	find_pending(*journal, finds);
	// A sub-transaction that ended may have written its changes before those that were appended earlier.
	std::sort(finds.items, finds.items + finds.count,
		[](const Found &a, const Found &b) { return a.number < b.number; });
	for (int32 i = 0; i < finds.count; ++i)
		note_change(*journal, finds.items[i].number, finds.items[i].command, finds.items[i].row);
	if (finds.items)
		pfree(finds.items);
	MemoryContextSetParent(context, TopTransactionContext);
	return journal;
}

void enter_level(SubTransactionId subtransaction, uint32 number)
{
	if (order.levels.count == 0 || order.levels.last().subtransaction != subtransaction)
		order.levels.add({subtransaction, number});
}

} // namespace

uint32 order_change(const NewChange &change, SubTransactionId subtransaction)
{
	if (const TimestampTz statement = GetCurrentStatementStartTimestamp(); statement != order.statement)
		begin_statement(statement);
	if (order.next > PG_UINT32_MAX - 2 * room)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("cannot log more changes in one transaction"),
			errdetail(
				"A transaction has numbers for some four billion changes, less eight for each statement."),
			errhint("Use several transactions."));
	CommandId &changed_by = order.changed_by[change.root % lengthof(order.changed_by)];
	if (!order.journal && change.may_be_late && changed_by > change.command)
		order.journal = make_journal();
	if (change.key && change.command >= order.command_bound) {
		order.command_bound = change.command + 1;
		order.next += room;
	}
	const uint32 number = order.next++;
	enter_level(subtransaction, number);
	if (!change.key) // no row's
		return number;
	changed_by = Max(changed_by, change.command);
	if (order.journal)
		return note_change(*order.journal, number, change.command,
			row_of(*order.journal, change.root, change.key_hash, JsonbPGetDatum(change.key)));
	note_command(number, change.command);
	return number;
}

uint32 last_ordinal()
{
	return order.next;
}

void order_written(int64 last_seq)
{
	order.last_seq = last_seq;
}

void order_committed(SubTransactionId self, SubTransactionId parent)
{
	FewOrMany<Level> &levels = order.levels;
	if (levels.count == 0 || levels.last().subtransaction != self)
		return;
	if (levels.count > 1 && levels.all()[levels.count - 2].subtransaction == parent)
		--levels.count;
	else
		levels.last().subtransaction = parent;
}

void order_rolled_back(SubTransactionId self)
{
	FewOrMany<Level> &levels = order.levels;
	if (levels.count == 0 || levels.last().subtransaction != self)
		return;
	if (Journal *journal = order.journal)
		while (
			journal->note_count > 0 && journal->notes[journal->note_count - 1].number >= levels.last().first)
			forget_last_note(*journal);
	--levels.count;
}

void reset_order()
{
	order = Order{};
}

} // namespace lockstep

#include "origin.hpp"

#include "log_catalog.hpp"
#include "log_tables.hpp"
#include "sequence.hpp"
#include "settings.hpp"

#include "pg/server.hpp"

namespace lockstep
{

namespace
{

constexpr int strings = 6;

/// The strings of an origin as one list, in the order of the columns.
void strings_of(const Origin &origin, const char **list)
{
	const char *all[strings] = {
		origin.actor, origin.client, origin.reason, origin.session_user, origin.application, origin.address};
	memcpy(list, all, sizeof(all));
}

Origin from_strings(bool verified, const char *const *list)
{
	return {verified, list[0], list[1], list[2], list[3], list[4], list[5]};
}

bool same(const Origin &left, const Origin &right)
{
	const char *a[strings];
	const char *b[strings];
	strings_of(left, a);
	strings_of(right, b);
	if (left.verified != right.verified)
		return false;
	for (int i = 0; i < strings; ++i)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

int64 hash_of(const Origin &origin)
{
	const char *list[strings];
	strings_of(origin, list);
	uint64 hash = origin.verified ? 1 : 0;
	for (const char *string : list)
		hash = hash_bytes_extended(
			reinterpret_cast<const unsigned char *>(string), static_cast<int>(strlen(string)), hash);
	return static_cast<int64>(hash);
}

/// The contexts that this backend used last. A pooled connection serves many actors in turn.
struct Interned {
	Origin origin; // in `context`
	MemoryContext context;
	int64 hash;
	int64 id;         // 0: unused
	bool uncommitted; // its row was written by this transaction
	Oid table;        // lockstep.origin when it was interned: a re-created extension starts afresh
};

constexpr int interned_count = 64;
Interned interned[interned_count];
int next_victim = 0;

bool any_uncommitted = false;

// The contexts of this transaction, the present one last. That outlives the transaction if it was the only one: most sessions have no other.
MemoryContext contexts = nullptr;
int context_count = 0;
Origin *current = nullptr;
uint64 current_generation = 0;
char *current_application = nullptr;
Oid current_session_user = InvalidOid;
/// What intern_origin() found for `current`.
int64 current_id = 0; // 0: not known
Oid current_table = InvalidOid;

/// A role was renamed, perhaps the session's.
void role_changed(Datum, int, uint32)
{
	++settings.context_generation;
}

/// The client's address, empty for a local one. (MyProcPort would say, but its header needs Kerberos' headers.)
const char *client_address()
{
	static const char *address = nullptr;
	if (!address) {
		LOCAL_FCINFO(fcinfo, 0);
		InitFunctionCallInfoData(*fcinfo, nullptr, 0, InvalidOid, nullptr, nullptr);
		Datum inet = inet_client_addr(fcinfo);
		address = fcinfo->isnull
			? ""
			: MemoryContextStrdup(TopMemoryContext, DatumGetCString(DirectFunctionCall1(inet_out, inet)));
	}
	return address;
}

Origin gather()
{
	// Both ends live as long as the backend.
	const char *user = GetUserNameFromId(GetSessionUserId(), true);
	Origin origin{};
	origin.verified = false;
	origin.actor = settings.actor && *settings.actor ? settings.actor : (user ? user : "");
	origin.client = settings.client ? settings.client : "";
	origin.reason = settings.reason ? settings.reason : "";
	origin.session_user = user ? user : "";
	origin.application = application_name ? application_name : "";
	origin.address = client_address();
	return origin;
}

Origin copy_origin(const Origin &origin, MemoryContext context)
{
	const char *list[strings];
	strings_of(origin, list);
	for (const char *&string : list)
		string = MemoryContextStrdup(context, string);
	return from_strings(origin.verified, list);
}

Origin origin_of_tuple(TupleDesc descriptor, HeapTuple tuple, int64 *id)
{
	Datum values[origin_columns];
	bool nulls[origin_columns];
	heap_deform_tuple(tuple, descriptor, values, nulls);
	const char *list[strings];
	for (int i = 0; i < strings; ++i)
		list[i] = nulls[origin_actor - 1 + i] ? "" : TextDatumGetCString(values[origin_actor - 1 + i]);
	if (id)
		*id = DatumGetInt64(values[origin_id - 1]);
	return from_strings(DatumGetBool(values[origin_verified - 1]), list);
}

/// 0: there is none. `is_own`: this transaction wrote it, and may yet roll it back, perhaps with a savepoint.
int64 find_origin(Relation relation, const Origin &origin, int64 hash, bool *is_own)
{
	*is_own = false;
	ScanKeyData key;
	ScanKeyInit(&key, origin_hash, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hash));
	// Rows here never change, so any that is committed will do; an MVCC snapshot would make serializable transactions fail on each
	// other's new contexts.
	SysScanDesc scan =
		systable_beginscan(relation, log_catalog().origin_hash_index, true, SnapshotSelf, 1, &key);
	int64 id = 0;
	while (HeapTuple tuple = systable_getnext(scan)) {
		int64 candidate;
		if (same(origin_of_tuple(RelationGetDescr(relation), tuple, &candidate), origin)) {
			id = candidate;
			*is_own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
			break;
		}
	}
	systable_endscan(scan);
	return id;
}

bool id_is_taken(Relation relation, int64 id)
{
	ScanKeyData key;
	ScanKeyInit(&key, origin_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	SysScanDesc scan =
		systable_beginscan(relation, log_catalog().origin_id_index, true, SnapshotSelf, 1, &key);
	const bool taken = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	return taken;
}

int64 write_origin(Relation relation, const Origin &origin, int64 hash)
{
	int64 id;
	do
		id = draw_numbers(log_catalog().origin_seq, 1);
	while (id_is_taken(relation, id)); // while a dump is restored: the sequence comes after the rows
	Datum values[origin_columns];
	bool nulls[origin_columns] = {};
	const char *list[strings];
	strings_of(origin, list);
	values[origin_id - 1] = Int64GetDatum(id);
	values[origin_hash - 1] = Int64GetDatum(hash);
	values[origin_verified - 1] = BoolGetDatum(origin.verified);
	for (int i = 0; i < strings; ++i) {
		nulls[origin_actor - 1 + i] = *list[i] == '\0';
		values[origin_actor - 1 + i] = CStringGetTextDatum(list[i]);
	}
	CatalogTupleInsert(relation, heap_form_tuple(RelationGetDescr(relation), values, nulls));
	return id;
}

} // namespace

const Origin *current_origin()
{
	if (current && current_generation == settings.context_generation &&
		current_session_user == GetSessionUserId() && current_application == application_name &&
		strcmp(current->application, application_name ? application_name : "") == 0)
		return current;
	static bool registered = false;
	if (!registered) {
		CacheRegisterSyscacheCallback(AUTHOID, role_changed, 0);
		registered = true;
	}
	const uint64 generation = settings.context_generation; // before roles are looked up
	const Origin now = gather();
	if (!current || !same(*current, now)) {
		if (!contexts)
			contexts =
				AllocSetContextCreate(TopMemoryContext, "lockstep current origin", ALLOCSET_SMALL_SIZES);
		auto *origin = static_cast<Origin *>(MemoryContextAlloc(contexts, sizeof(Origin)));
		*origin = copy_origin(now, contexts);
		current = origin;
		current_id = 0;
		++context_count;
	}
	current_generation = generation;
	current_application = application_name;
	current_session_user = GetSessionUserId();
	return current;
}

int64 intern_origin(const Origin *origin)
{
	const LogCatalog &catalog = log_catalog();
	if (origin == current && current_id != 0 && current_table == catalog.origin)
		return current_id;
	const int64 hash = hash_of(*origin);
	for (const Interned &entry : interned)
		if (entry.id != 0 && entry.hash == hash && entry.table == catalog.origin &&
			same(entry.origin, *origin)) {
			if (origin == current) {
				current_id = entry.id;
				current_table = entry.table;
			}
			return entry.id;
		}

	// Two backends that meet a new context at once both write it. Uniqueness would make one wait for the other's commit.
	Relation relation = table_open(catalog.origin, RowExclusiveLock);
	bool is_own;
	int64 id = find_origin(relation, *origin, hash, &is_own);
	const bool is_new = id == 0 || is_own;
	if (id == 0)
		id = write_origin(relation, *origin, hash);
	table_close(relation, RowExclusiveLock);

	Interned &entry = interned[next_victim];
	next_victim = (next_victim + 1) % interned_count;
	entry.id = 0; // stays unused if what follows fails
	if (!entry.context)
		entry.context = AllocSetContextCreate(TopMemoryContext, "lockstep origin", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(entry.context);
	entry.origin = copy_origin(*origin, entry.context);
	entry.hash = hash;
	entry.uncommitted = is_new;
	any_uncommitted |= is_new;
	entry.table = catalog.origin;
	entry.id = id;
	return id;
}

bool read_origin(int64 id, Snapshot snapshot, Origin *origin)
{
	const LogCatalog &catalog = log_catalog();
	Relation relation = table_open(catalog.origin, AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, origin_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	SysScanDesc scan = systable_beginscan(relation, catalog.origin_id_index, true, snapshot, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		*origin = origin_of_tuple(RelationGetDescr(relation), tuple, nullptr);
	const bool found = HeapTupleIsValid(tuple);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

void forget_uncommitted_origins()
{
	if (!any_uncommitted)
		return;
	for (Interned &entry : interned)
		if (entry.uncommitted) {
			entry.id = 0;
			entry.uncommitted = false;
		}
	any_uncommitted = false;
	current_id = 0;
}

void origins_committed()
{
	if (!any_uncommitted)
		return;
	for (Interned &entry : interned)
		entry.uncommitted = false;
	any_uncommitted = false;
}

void forget_former_origins()
{
	if (context_count <= 1)
		return;
	MemoryContextReset(contexts);
	context_count = 0;
	current = nullptr;
}

} // namespace lockstep

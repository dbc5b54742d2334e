// lockstep.version_vector from and to text, the binary form, and jsonb.

#include "core/version_vector_form.hpp"

#include "pg/server.hpp"
#include "version_vector_type.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_in)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_out)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_recv)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_send)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_from_jsonb)
LOCKSTEP_SQL_FUNCTION(lockstep_version_vector_to_jsonb)

namespace lockstep
{

constexpr const char *type_name = "lockstep.version_vector";

void raise_vector_limit(core::VectorFault fault, std::string_view node)
{
	// Also of a name that nobody has looked at yet.
	const int length = pg_mbcliplen(node.data(), static_cast<int>(node.size()), core::max_node_bytes);
	if (fault == core::VectorFault::counter_out_of_range)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			errmsg("counter of node \"%.*s\" is out of range", length, node.data()),
			errdetail("A counter is at least 0, and at most " INT64_FORMAT ".", core::max_counter));
	ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("version vector has too many nodes"),
		errdetail("It can have %zu.", core::max_nodes));
}

int vector_fault_detail(core::VectorFault fault, std::string_view node)
{
	if (fault == core::VectorFault::bad_node)
		return errdetail("The name of a node has 1 to %zu bytes.", core::max_node_bytes);
	if (fault == core::VectorFault::node_twice)
		return errdetail("Node \"%.*s\" is named twice.", static_cast<int>(node.size()), node.data());
	if (fault == core::VectorFault::counter_out_of_range)
		return errdetail(
			"The counter of node \"%.*s\" is out of range.", static_cast<int>(node.size()), node.data());
	return 0;
}

namespace
{

bool is_limit(core::VectorFault fault)
{
	return fault == core::VectorFault::counter_out_of_range || fault == core::VectorFault::too_many_nodes;
}

/// Packs what was read. Where the reader or pack() found a fault, that is in `fault` and `node`, and there is no vector.
struct Read {
	Datum vector;
	core::VectorFault fault;
	std::string_view node;
};

Read pack_read(const core::ReadVector &read, core::NodeCounter *entries)
{
	if (read.fault != core::VectorFault::none)
		return {0, read.fault, read.node};
	Size bound = 0;
	for (size_t i = 0; i < read.count; ++i)
		bound += core::packed_bound(Min(entries[i].node.size(), core::max_node_bytes));
	varlena *room = vector_room(bound);
	const core::PackedVector packed = core::pack({entries, read.count}, VARDATA(room));
	if (packed.fault != core::VectorFault::none)
		return {0, packed.fault, packed.node};
	return {vector_datum(room, packed.end), packed.fault, {}};
}

size_t count_nodes(const varlena *vector)
{
	size_t count = 0;
	core::VectorReader reader(packed_of(vector));
	for (core::NodeCounter entry; reader.next(entry);)
		++count;
	return count;
}

/// A whole number of a jsonb object, as a counter. False: it is none.
bool read_counter(const JsonbValue &value, core::NodeCounter &entry)
{
	if (value.type != jbvNumeric)
		return false;
	const char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
	const char *end = text + strlen(text);
	const auto [next, error] = std::from_chars(text, end, entry.counter);
	if (next != end)
		return false;
	if (error != std::errc{})
		raise_vector_limit(core::VectorFault::counter_out_of_range, entry.node);
	return true;
}

[[noreturn]] void raise_not_castable(const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		errmsg("cannot cast this jsonb to type %s", type_name), errdetail_internal("%s", detail));
}

} // namespace

} // namespace lockstep

using namespace lockstep;

extern "C" Datum lockstep_version_vector_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const size_t length = strlen(text);
	const size_t bound = core::text_counters_bound(length);
	auto *entries = palloc_array_of<core::NodeCounter>(bound);
	const core::ReadVector found =
		core::read_text({text, length}, {entries, bound}, palloc_array_of<char>(length));
	const Read read = pack_read(found, entries);
	if (is_limit(read.fault))
		raise_vector_limit(read.fault, read.node);
	if (read.fault != core::VectorFault::none)
		ereport(ERROR, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			errmsg("invalid input syntax for type %s: \"%s\"", type_name, text),
			vector_fault_detail(read.fault, read.node),
			errhint("Write it as {node:counter,node:counter}, names of other than letters, digits and _-./@ "
					"in double quotes."));
	return read.vector;
}

extern "C" Datum lockstep_version_vector_out(PG_FUNCTION_ARGS)
{
	const varlena *vector = vector_argument(fcinfo, 0);
	auto *text = static_cast<char *>(palloc(core::text_bound(packed_of(vector)) + 1));
	*core::write_text(packed_of(vector), text) = '\0';
	PG_RETURN_CSTRING(text);
}

extern "C" Datum lockstep_version_vector_recv(PG_FUNCTION_ARGS)
{
	auto *message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
	const std::string_view bytes(message->data + message->cursor, message->len - message->cursor);
	message->cursor = message->len;
	const size_t bound = core::binary_counters_bound(bytes.size());
	auto *entries = palloc_array_of<core::NodeCounter>(bound);
	const core::ReadVector found = core::read_binary(bytes, {entries, bound});
	for (size_t i = 0; i < found.count; ++i) {
		// Checks the encoding too, so that no name has a byte 0.
		std::string_view &node = entries[i].node;
		const char *converted = pg_client_to_server(node.data(), static_cast<int>(node.size()));
		if (converted != node.data())
			node = converted;
	}
	const Read read = pack_read(found, entries);
	if (read.fault == core::VectorFault::too_many_nodes)
		raise_vector_limit(read.fault, read.node);
	if (read.fault != core::VectorFault::none)
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			errmsg("invalid binary form of type %s", type_name), vector_fault_detail(read.fault, read.node));
	return read.vector;
}

extern "C" Datum lockstep_version_vector_send(PG_FUNCTION_ARGS)
{
	const varlena *vector = vector_argument(fcinfo, 0);
	const size_t count = count_nodes(vector);
	auto *entries = palloc_array_of<core::NodeCounter>(count);
	core::VectorReader reader(packed_of(vector));
	for (size_t i = 0; i < count && reader.next(entries[i]); ++i) {
		std::string_view &node = entries[i].node;
		const char *converted = pg_server_to_client(node.data(), static_cast<int>(node.size()));
		if (converted != node.data())
			node = converted;
	}
	const Size size = core::binary_size({entries, count});
	varlena *bytes = vector_room(size);
	core::write_binary({entries, count}, VARDATA(bytes));
	return vector_datum(bytes, VARDATA(bytes) + size);
}

extern "C" Datum lockstep_version_vector_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb *object = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_OBJECT(object))
		raise_not_castable("It is no object.");
	const size_t bound = JB_ROOT_COUNT(object);
	if (bound > core::max_nodes)
		raise_vector_limit(core::VectorFault::too_many_nodes, {});
	auto *entries = palloc_array_of<core::NodeCounter>(bound);
	core::ReadVector found;
	core::NodeCounter entry{};
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbValue part;
	// What is nested is not entered: it comes as one value.
	for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE;) {
		if (token == WJB_KEY) {
			entry.node = {part.val.string.val, static_cast<size_t>(part.val.string.len)};
		} else if (token == WJB_VALUE) {
			if (!read_counter(part, entry))
				raise_not_castable("Its values must be whole numbers.");
			entries[found.count++] = entry;
		}
	}
	const Read read = pack_read(found, entries);
	if (is_limit(read.fault))
		raise_vector_limit(read.fault, read.node);
	if (read.fault != core::VectorFault::none)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("cannot cast this jsonb to type %s", type_name),
			vector_fault_detail(read.fault, read.node));
	return read.vector;
}

extern "C" Datum lockstep_version_vector_to_jsonb(PG_FUNCTION_ARGS)
{
	const varlena *vector = vector_argument(fcinfo, 0);
	JsonbParseState *state = nullptr;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
	core::VectorReader reader(packed_of(vector));
	for (core::NodeCounter entry; reader.next(entry);) {
		JsonbValue part;
		part.type = jbvString;
		part.val.string.val = const_cast<char *>(entry.node.data());
		part.val.string.len = static_cast<int>(entry.node.size());
		pushJsonbValue(&state, WJB_KEY, &part);
		part.type = jbvNumeric;
		part.val.numeric = int64_to_numeric(entry.counter);
		pushJsonbValue(&state, WJB_VALUE, &part);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
}

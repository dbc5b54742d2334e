#include "net/write_gatherer.hpp"

#include <iterator>
#include <utility>

namespace lockstep::net
{
namespace
{

std::size_t size_of(const wire::Write &write)
{
	std::size_t bytes = write.mutation.value_or("").size() + write.reason.value_or("").size();
	for (const wire::Operation &operation : write.operations)
		bytes += sizeof operation + operation.table.size() + operation.key.size() + operation.values.size();
	return bytes;
}

} // namespace

WriteGatherer::Taken WriteGatherer::add(const std::string &id, wire::Write piece)
{
	const std::size_t number = piece.piece.value_or(0);
	const auto found = writes_.find(id);
	const std::size_t expected = found == writes_.end() ? 0 : found->second.next;
	// A piece that could not be read is missing here: the others must not become a write of their own.
	if (number != expected)
		return fail(id,
			"piece " + std::to_string(number) + " of a write came where piece " + std::to_string(expected) +
				" was due",
			"Send the write again from its first piece.");
	const std::size_t bytes = id.size() + size_of(piece);
	if (bytes > max_bytes_ - bytes_)
		return fail(id, "the write is larger than " + std::to_string(max_bytes_) + " bytes",
			"Split it into several transactions, or raise --max-write-bytes.");
	const bool more = piece.more;
	Unfinished &unfinished = writes_[id];
	bytes_ += bytes;
	unfinished.bytes += bytes;
	if (unfinished.next++ == 0)
		unfinished.write = std::move(piece);
	else
		std::move(piece.operations.begin(), piece.operations.end(),
			std::back_inserter(unfinished.write.operations));
	Taken taken;
	taken.operations = unfinished.write.operations.size();
	if (!more) {
		taken.whole = std::move(unfinished.write);
		taken.bytes = unfinished.bytes;
		discard(id);
	}
	return taken;
}

bool WriteGatherer::discard(const std::string &id)
{
	const auto found = writes_.find(id);
	if (found == writes_.end())
		return false;
	bytes_ -= found->second.bytes;
	writes_.erase(found);
	return true;
}

WriteGatherer::Taken WriteGatherer::fail(const std::string &id, std::string message, std::string hint)
{
	discard(id);
	Taken taken;
	taken.failure = wire::bad_request(std::move(message), std::move(hint));
	return taken;
}

} // namespace lockstep::net

// Writes that are too large for one message.
#pragma once

#include "wire/answers.hpp"
#include "wire/message.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace lockstep::net
{

/// Puts the pieces of large writes together. Nothing of a write reaches the database before its last piece is here, so
/// a client that uploads slowly holds no transaction open, and one that vanishes leaves nothing behind.
/// Shared object: only from the session's shard.
class WriteGatherer {
public:
	/// `max_bytes`: what the unfinished writes of one session may take together.
	explicit WriteGatherer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

	/// One of the three: the whole write, a failure (the write is forgotten), or how many operations are here so far.
	struct Taken {
		std::optional<wire::Write> whole;
		std::size_t bytes = 0; // that the whole write takes
		std::optional<wire::Failure> failure;
		std::size_t operations = 0;
	};
	Taken add(const std::string &id, wire::Write piece);
	/// Forgets an unfinished write. False where there is none.
	bool discard(const std::string &id);

private:
	struct Unfinished {
		wire::Write write;
		std::size_t next = 0; // number of the piece to come
		std::size_t bytes = 0;
	};
	Taken fail(const std::string &id, std::string message, std::string hint);

	std::size_t max_bytes_;
	std::size_t bytes_ = 0;
	std::map<std::string, Unfinished> writes_;
};

} // namespace lockstep::net

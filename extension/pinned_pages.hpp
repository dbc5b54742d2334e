// Pages of the log that are read again soon: each writer fills one of its own, so that rows in the order of their commits lie on a few pages in turn.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// Keeps a few pages pinned, which the end of the transaction releases where an error does not let close() do it.
class PinnedPages {
public:
	/// The page's buffer, pinned until close() or until some other page is wanted in its place.
	Buffer pin(Relation relation, BlockNumber block)
	{
		Pin &place = pins_[block % lengthof(pins_)];
		if (place.relation == relation && place.block == block)
			return place.buffer;
		if (place.relation)
			ReleaseBuffer(place.buffer);
		place.relation = nullptr; // until there is another
		place.buffer = ReadBuffer(relation, block);
		place.block = block;
		place.relation = relation;
		return place.buffer;
	}

	void close()
	{
		for (Pin &place : pins_)
			if (place.relation)
				ReleaseBuffer(place.buffer);
		*this = {};
	}

private:
	struct Pin {
		Relation relation = nullptr; // there is none
		BlockNumber block;
		Buffer buffer;
	};

	Pin pins_[8];
};

static_assert(SafeAcrossErrors<PinnedPages>);

} // namespace lockstep

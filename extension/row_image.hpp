// lockstep.row_image: a row image in few bytes.
//
// The log writes the images of every change, so their size is what a tracked table costs in WAL and on disk. jsonb repeats each
// column's name and spends at least four bytes on each value; here the names stand once in lockstep.shape, and a value takes what it
// needs. Both say the same: an image becomes, byte for byte, the jsonb object that it was made instead of.
//
//   image  := varint (shape * 2 + is_sparse), [names], [bitmap], values
//   names  := varint count, count * (varint length, bytes)    where the shape is 0: an image that came in as text
//   bitmap := one bit for each column of the shape            where the image is sparse: which of them it has
//   value  := varint whose three lowest bits are the tag, the rest a number n; then what the tag says
//
// varint is LEB128: seven bits in a byte, the lowest first, the highest bit set where more follow. Columns stand in jsonb's order.
#pragma once

#include "jsonb_object.hpp"
#include "pg/server.hpp"

namespace lockstep
{

/// What follows the head of a value.
enum class ImageTag : uint8 {
	constant,  // nothing; n: ImageConstant
	natural,   // nothing; the number is n
	negative,  // nothing; the number is -1 - n
	numeric,   // n bytes: a numeric without its length
	string,    // n bytes
	container, // n bytes: the binary form of a jsonb array or object
	time,      // int64, microseconds since 2000-01-01, as ISO 8601; n: with a zone (UTC)?
	day        // nothing; n: days since 2000-01-01, zigzag
};

enum class ImageConstant : uint8 { null, no, yes };

/// Makes an image, value by value, in memory of the context in which it was begun.
class ImageWriter {
public:
	/// Of all columns of a shape.
	static ImageWriter begin_full(int64 shape);
	/// Of some columns of a shape that has `columns`; `has` tells which.
	static ImageWriter begin_sparse(int64 shape, const bool *has, int columns);
	/// Of columns that it names itself.
	static ImageWriter begin_named(int columns);
	void add_name(const char *name, int length);

	void add_integer(int64 number);
	void add_constant(ImageConstant constant) { put_head(ImageTag::constant, static_cast<uint64>(constant)); }
	void add_bytes(ImageTag tag, const char *bytes, Size count);
	/// False, and nothing is added, where the year is not in 1..9999.
	bool add_time(int64 time, bool with_zone);
	bool add_day(int32 day);
	void add_part(const JsonbPart &part);

	/// The image, in `target`. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED where jsonb could not hold it.
	varlena *finish(MemoryContext target) const;

private:
	static ImageWriter begin(uint64 head, Size bytes);
	void require(Size count);
	void put_varint(uint64 number);
	void put_head(ImageTag tag, uint64 number) { put_varint(number << 3 | static_cast<uint64>(tag)); }
	void put(const void *bytes, Size count);

	char *start_;
	char *at_;
	char *end_;
	Size decoded_; // at most so many bytes take the values in jsonb
};

static_assert(SafeAcrossErrors<ImageWriter>);

/// The object that an image stands for. `image` may be compressed, out of line, or have a short header. Allocates in the current context.
Jsonb *image_to_jsonb(varlena *image);
inline Jsonb *image_to_jsonb(Datum image)
{
	return image_to_jsonb(reinterpret_cast<varlena *>(DatumGetPointer(image)));
}

/// An image that names its columns itself. `object` is one; its values are its columns'.
varlena *image_of_object(Jsonb *object);

} // namespace lockstep

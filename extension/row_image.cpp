#include "core/utc_text.hpp"

#include "row_image.hpp"

#include "json_value.hpp"
#include "shape.hpp"

namespace lockstep
{

namespace
{

constexpr Size longest_varint = 10;
/// The tag takes three bits.
constexpr uint64 largest_in_head = PG_UINT64_MAX >> 3;

/// What a value takes in jsonb beside its own bytes: its entry, a number's length, and what aligns it.
constexpr Size most_beside = 2 * sizeof(JEntry) + sizeof(JEntry) - 1;
/// The same of a value that is not stored as it will be written.
constexpr Size most_computed =
	most_beside + Max(core::utc_text_size, static_cast<int>(numeric_of_integer_size));

/// Reads an image's bytes. What is stored was written by this file, so that something is missing means that the disk lost it.
class Bytes {
public:
	Bytes(const char *start, Size count) : at_(start), end_(start + count) {}

	uint64 varint()
	{
		uint64 number = 0;
		for (int shift = 0;; shift += 7) {
			const auto byte = static_cast<uint8>(*take(1));
			number |= static_cast<uint64>(byte & 0x7f) << shift;
			if (!(byte & 0x80))
				return number;
			if (shift > 56)
				corrupted();
		}
	}

	const char *take(Size count)
	{
		if (static_cast<Size>(end_ - at_) < count)
			corrupted();
		const char *taken = at_;
		at_ += count;
		return taken;
	}

	Size left() const { return static_cast<Size>(end_ - at_); }

	[[noreturn]] static void corrupted()
	{
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("a row image in the change log is damaged"));
		pg_unreachable();
	}

private:
	const char *at_;
	const char *end_;
};

/// Writes the value at the end of the object.
void decode_value(JsonbObjectWriter &object, Bytes &bytes)
{
	const uint64 head = bytes.varint();
	const uint64 number = head >> 3;
	switch (static_cast<ImageTag>(head & 7)) {
	case ImageTag::constant:
		switch (static_cast<ImageConstant>(number)) {
		case ImageConstant::null:
			return object.add_value({JENTRY_ISNULL, nullptr, 0});
		case ImageConstant::no:
			return object.add_value({JENTRY_ISBOOL_FALSE, nullptr, 0});
		case ImageConstant::yes:
			return object.add_value({JENTRY_ISBOOL_TRUE, nullptr, 0});
		}
		Bytes::corrupted();
	case ImageTag::natural:
	case ImageTag::negative: {
		const auto natural = static_cast<int64>(number);
		const bool is_negative = static_cast<ImageTag>(head & 7) == ImageTag::negative;
		char *place = object.begin_aligned();
		object.end_value(JENTRY_ISNUMERIC, write_numeric(is_negative ? -1 - natural : natural, place));
		return;
	}
	case ImageTag::numeric: {
		char *place = object.begin_aligned();
		memcpy(place + VARHDRSZ, bytes.take(number), number);
		SET_VARSIZE(place, VARHDRSZ + number);
		object.end_value(JENTRY_ISNUMERIC, VARHDRSZ + number);
		return;
	}
	case ImageTag::string:
		return object.add_value({JENTRY_ISSTRING, bytes.take(number), number});
	case ImageTag::container:
		return object.add_value({JENTRY_ISCONTAINER, bytes.take(number), number});
	case ImageTag::time: {
		int64 time;
		memcpy(&time, bytes.take(sizeof(time)), sizeof(time));
		const int length = core::write_timestamp(time, number != 0, object.begin());
		object.end_value(JENTRY_ISSTRING, static_cast<Size>(length));
		return;
	}
	case ImageTag::day: {
		const auto day = static_cast<int64>(number >> 1) ^ -static_cast<int64>(number & 1);
		object.end_value(JENTRY_ISSTRING, static_cast<Size>(core::write_date(day, object.begin())));
		return;
	}
	}
	Bytes::corrupted();
}

Jsonb *decode_named(Bytes &bytes)
{
	const uint64 count = bytes.varint();
	if (count > bytes.left())
		Bytes::corrupted();
	JsonbObjectWriter object(static_cast<int>(count), bytes.left(), bytes.left() + count * most_computed);
	for (uint64 i = 0; i < count; ++i) {
		const uint64 length = bytes.varint();
		object.add_name(bytes.take(length), static_cast<int>(length));
	}
	for (uint64 i = 0; i < count; ++i)
		decode_value(object, bytes);
	return object.finish();
}

Jsonb *decode_sparse(const Shape &shape, Bytes &bytes)
{
	const auto *bitmap = reinterpret_cast<const uint8 *>(bytes.take((shape.count + 7) / 8));
	int count = 0;
	Size names = 0;
	auto has = [&](int i) { return (bitmap[i / 8] >> i % 8 & 1) != 0; };
	for (int i = 0; i < shape.count; ++i)
		if (has(i)) {
			++count;
			names += shape.names[i].length;
		}
	JsonbObjectWriter object(count, names, bytes.left() + count * most_computed);
	for (int i = 0; i < shape.count; ++i)
		if (has(i))
			object.add_name(shape.names[i].text, shape.names[i].length);
	for (int i = 0; i < count; ++i)
		decode_value(object, bytes);
	return object.finish();
}

Jsonb *decode_full(const Shape &shape, Bytes &bytes)
{
	JsonbObjectWriter object(shape.count, shape.text_size, bytes.left() + shape.count * most_computed);
	object.add_all_names(shape.entries, shape.text, shape.text_size);
	for (int i = 0; i < shape.count; ++i)
		decode_value(object, bytes);
	return object.finish();
}

} // namespace

ImageWriter ImageWriter::begin(uint64 head, Size bytes)
{
	ImageWriter writer{};
	const Size size = VARHDRSZ + longest_varint + bytes;
	writer.start_ = static_cast<char *>(palloc(size));
	writer.at_ = writer.start_ + VARHDRSZ;
	writer.end_ = writer.start_ + size;
	writer.put_varint(head);
	return writer;
}

ImageWriter ImageWriter::begin_full(int64 shape)
{
	return begin(static_cast<uint64>(shape) << 1, 512);
}

ImageWriter ImageWriter::begin_sparse(int64 shape, const bool *has, int columns)
{
	const int bitmap_size = (columns + 7) / 8;
	ImageWriter writer = begin(static_cast<uint64>(shape) << 1 | 1, 256 + bitmap_size);
	memset(writer.at_, 0, bitmap_size);
	for (int i = 0; i < columns; ++i)
		writer.at_[i / 8] = static_cast<char>(writer.at_[i / 8] | has[i] << i % 8);
	writer.at_ += bitmap_size;
	return writer;
}

ImageWriter ImageWriter::begin_named(int columns)
{
	ImageWriter writer = begin(0, 1024);
	writer.put_varint(static_cast<uint64>(columns));
	return writer;
}

void ImageWriter::add_name(const char *name, int length)
{
	put_varint(static_cast<uint64>(length));
	put(name, static_cast<Size>(length));
	decoded_ += length;
}

void ImageWriter::add_integer(int64 number)
{
	const auto magnitude = static_cast<uint64>(number < 0 ? -1 - number : number);
	if (magnitude > largest_in_head) {
		alignas(JEntry) char numeric[numeric_of_integer_size];
		const Size size = write_numeric(number, numeric);
		add_bytes(ImageTag::numeric, numeric + VARHDRSZ, size - VARHDRSZ);
		return;
	}
	decoded_ += most_computed;
	put_head(number < 0 ? ImageTag::negative : ImageTag::natural, magnitude);
}

void ImageWriter::add_bytes(ImageTag tag, const char *bytes, Size count)
{
	decoded_ += most_beside + count;
	put_head(tag, count);
	put(bytes, count);
}

bool ImageWriter::add_time(int64 time, bool with_zone)
{
	if (!core::is_writable_time(time))
		return false;
	decoded_ += most_computed;
	put_head(ImageTag::time, with_zone);
	put(&time, sizeof(time));
	return true;
}

bool ImageWriter::add_day(int32 day)
{
	if (!core::is_writable_day(day))
		return false;
	decoded_ += most_computed;
	put_head(ImageTag::day, static_cast<uint64>(day) << 1 ^ static_cast<uint64>(day < 0 ? -1 : 0));
	return true;
}

void ImageWriter::add_part(const JsonbPart &part)
{
	switch (part.type) {
	case JENTRY_ISNULL:
		return add_constant(ImageConstant::null);
	case JENTRY_ISBOOL_FALSE:
		return add_constant(ImageConstant::no);
	case JENTRY_ISBOOL_TRUE:
		return add_constant(ImageConstant::yes);
	case JENTRY_ISNUMERIC:
		return add_bytes(ImageTag::numeric, VARDATA_ANY(part.data), VARSIZE_ANY_EXHDR(part.data));
	case JENTRY_ISSTRING:
		return add_bytes(ImageTag::string, part.data, part.size);
	case JENTRY_ISCONTAINER:
		return add_bytes(ImageTag::container, part.data, part.size);
	default:
		elog(ERROR, "unexpected jsonb entry %u", part.type);
	}
}

varlena *ImageWriter::finish(MemoryContext target) const
{
	require_jsonb_size(decoded_);
	const Size size = static_cast<Size>(at_ - start_);
	auto *image = static_cast<varlena *>(MemoryContextAlloc(target, size));
	memcpy(image, start_, size);
	SET_VARSIZE(image, size);
	return image;
}

void ImageWriter::require(Size count)
{
	if (static_cast<Size>(end_ - at_) >= count)
		return;
	const Size used = static_cast<Size>(at_ - start_);
	const Size size = Max(2 * static_cast<Size>(end_ - start_), used + count);
	start_ = static_cast<char *>(repalloc(start_, Min(size, MaxAllocSize)));
	at_ = start_ + used;
	end_ = start_ + size;
}

void ImageWriter::put_varint(uint64 number)
{
	require(longest_varint);
	for (; number >= 0x80; number >>= 7)
		*at_++ = static_cast<char>(number | 0x80);
	*at_++ = static_cast<char>(number);
}

void ImageWriter::put(const void *bytes, Size count)
{
	require(count);
	memcpy(at_, bytes, count);
	at_ += count;
}

Jsonb *image_to_jsonb(varlena *stored)
{
	varlena *image = pg_detoast_datum_packed(stored);
	Bytes bytes(VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image));
	const uint64 head = bytes.varint();
	const auto shape = static_cast<int64>(head >> 1);
	Jsonb *object = shape == 0 ? decode_named(bytes)
		: head & 1             ? decode_sparse(shape_of(shape), bytes)
							   : decode_full(shape_of(shape), bytes);
	if (image != stored)
		pfree(image);
	return object;
}

varlena *image_of_object(Jsonb *object)
{
	ImageWriter writer = ImageWriter::begin_named(JB_ROOT_COUNT(object));
	JsonbValue value;
	const JsonbIteratorToken passes[] = {WJB_KEY, WJB_VALUE};
	for (const JsonbIteratorToken wanted : passes) {
		JsonbIterator *iterator = JsonbIteratorInit(&object->root);
		JsonbIteratorToken token;
		while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE) {
			if (token != wanted)
				continue;
			if (token == WJB_KEY)
				writer.add_name(value.val.string.val, value.val.string.len);
			else
				writer.add_part(jsonb_part(value));
		}
	}
	return writer.finish(CurrentMemoryContext);
}

} // namespace lockstep

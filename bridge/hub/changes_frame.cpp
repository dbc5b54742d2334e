#include "hub/changes_frame.hpp"

#include "hub/member_column.hpp"
#include "wire/json.hpp"

namespace lockstep::hub
{
namespace
{

using wire::Frame;

const char *op_name(Change::Op op, bool entering, bool leaving)
{
	if (entering)
		return "enter";
	if (leaving)
		return "leave";
	switch (op) {
	case Change::Op::insert:
		return "insert";
	case Change::Op::update:
		return "update";
	default:
		return "delete";
	}
}

void close_payload(std::string &bytes, bool more, const std::string &position)
{
	bytes += more ? "],\"more\":true,\"position\":" : "],\"position\":";
	wire::append_quoted(bytes, position);
	bytes += '}';
}

} // namespace

std::string transaction_header(std::string_view xid, std::string_view at_iso,
	const std::optional<std::string_view> &actor, const std::optional<std::string_view> &client,
	const std::optional<std::string_view> &reason, bool verified)
{
	std::string out = "\"xid\":\"";
	out += xid;
	out += "\",\"at\":\"";
	out += at_iso;
	out += '"';
	auto member = [&out](std::string_view label, const std::optional<std::string_view> &value) {
		out += label;
		if (value)
			wire::append_quoted(out, *value);
		else
			out += "null";
	};
	member(",\"actor\":", actor);
	member(",\"client\":", client);
	member(",\"reason\":", reason);
	out += verified ? ",\"verified\":true" : ",\"verified\":false";
	return out;
}

ChangesPtr without(const Changes &changes, const wire::PositionPtr &seen)
{
	auto result = std::make_shared<Changes>();
	const std::string_view payload = changes.frame->payload();
	std::string bytes = Frame::room();
	bytes += payload.substr(0, changes.slices.empty() ? 0 : changes.slices.front().begin);
	for (const Changes::Slice &slice : changes.slices) {
		if (seen->sees(slice.xid))
			continue;
		if (!result->slices.empty())
			bytes += ',';
		const std::size_t begin = bytes.size() - Frame::header_room;
		bytes += payload.substr(slice.begin, slice.end - slice.begin);
		result->slices.push_back({slice.xid, begin, bytes.size() - Frame::header_room});
	}
	if (result->slices.empty())
		return nullptr;
	result->subscription = changes.subscription;
	result->more = changes.more;
	result->before = seen;
	result->after = changes.more ? seen : wire::Position::unite(seen, changes.after);
	close_payload(bytes, changes.more, result->after->text());
	result->frame = Frame::seal(std::move(bytes));
	return result;
}

ChangesWriter::ChangesWriter(
	const Subscription &subscription, std::size_t max_bytes, wire::PositionPtr before)
	: subscription_(subscription.id), spec_(subscription.spec), max_bytes_(max_bytes),
	  reached_(std::move(before))
{
	prefix_ = "{\"type\":\"changes\",\"sub\":" + wire::quoted(subscription.name) + ",\"transactions\":[";
}

void ChangesWriter::begin(const Transaction &transaction)
{
	transaction_ = &transaction;
	text_.clear();
	ends_.clear();
}

void ChangesWriter::append_row(const Change &change, const RowImage &row, bool only_changed)
{
	// "rows": "changed" asks for the key and what `old` names.
	std::vector<bool> wanted;
	if (only_changed) {
		wanted.resize(spec_->table().columns.size());
		for (const int ordinal : spec_->table().key)
			wanted[static_cast<std::size_t>(ordinal)] = true;
		wire::JsonWalk walk(change.old);
		wire::JsonMember member;
		while (walk.next(member))
			if (const int ordinal = member_column(spec_->table(), member.key); ordinal >= 0)
				wanted[static_cast<std::size_t>(ordinal)] = true;
	}
	text_ += ",\"row\":{";
	bool first = true;
	for (const int ordinal : spec_->columns()) {
		const std::string_view value = row.value(ordinal);
		if (value.empty() || (only_changed && !wanted[static_cast<std::size_t>(ordinal)]))
			continue;
		if (!first)
			text_ += ',';
		first = false;
		text_ += spec_->label(ordinal);
		text_ += value;
	}
	text_ += '}';
}

void ChangesWriter::append_old(const Change &change)
{
	text_ += ",\"old\":{";
	bool first = true;
	wire::JsonWalk walk(change.old);
	wire::JsonMember member;
	while (walk.next(member)) {
		const int ordinal = member_column(spec_->table(), member.key);
		if (ordinal < 0 || !spec_->selects(ordinal))
			continue;
		if (!first)
			text_ += ',';
		first = false;
		text_ += spec_->label(ordinal);
		text_ += member.value;
	}
	text_ += '}';
}

void ChangesWriter::row_change(const Change &change, const RowImage &row, bool entering, bool leaving)
{
	if (!text_.empty())
		text_ += ',';
	text_ += "{\"op\":\"";
	text_ += op_name(change.op, entering, leaving);
	text_ += "\",\"key\":";
	text_ += change.key;
	if (!change.version.empty() && !leaving) {
		text_ += ",\"version\":";
		text_ += change.version;
	}
	if (change.op != Change::Op::erase && !leaving) {
		const bool update = change.op == Change::Op::update && !entering && !change.old.empty();
		append_row(change, row, update && spec_->changed_only());
		if (update)
			append_old(change);
	}
	text_ += '}';
	ends_.push_back(text_.size());
}

void ChangesWriter::truncate()
{
	text_ += text_.empty() ? "{\"op\":\"truncate\"}" : ",{\"op\":\"truncate\"}";
	ends_.push_back(text_.size());
}

void ChangesWriter::schema(const Spec &now)
{
	if (!text_.empty())
		text_ += ',';
	text_ += "{\"op\":\"schema\",\"columns\":" + now.columns_json() +
		",\"shape\":" + wire::quoted(now.shape()) + '}';
	ends_.push_back(text_.size());
}

void ChangesWriter::end()
{
	changes_ += ends_.size();
	if (!ends_.empty()) {
		if (transaction_->header.size() + text_.size() + prefix_.size() + 64 <= max_bytes_)
			write_whole();
		else
			write_pieces();
	}
	transaction_ = nullptr;
}

void ChangesWriter::start_frame()
{
	frame_ = Frame::room();
	frame_ += prefix_;
	slices_.clear();
}

void ChangesWriter::finish_frame(const wire::PositionPtr &after, bool more)
{
	auto result = std::make_shared<Changes>();
	close_payload(frame_, more, (more ? reached_ : after)->text());
	result->subscription = subscription_;
	result->frame = Frame::seal(std::move(frame_));
	result->before = reached_;
	result->after = more ? reached_ : after;
	result->more = more;
	result->slices = std::move(slices_);
	reached_ = result->after;
	finished_.push_back(std::move(result));
	frame_.clear();
	slices_.clear();
}

void ChangesWriter::write_whole()
{
	const bool full = frame_.size() + transaction_->header.size() + text_.size() + 32 > max_bytes_;
	if (!frame_.empty() && (full || last_piece_open_))
		finish_frame(last_written_, false);
	last_piece_open_ = false;
	if (frame_.empty())
		start_frame();
	else
		frame_ += ',';
	const std::size_t begin = frame_.size() - Frame::header_room;
	frame_ += '{';
	frame_ += transaction_->header;
	frame_ += ",\"changes\":[";
	frame_ += text_;
	frame_ += "]}";
	slices_.push_back({transaction_->xid, begin, frame_.size() - Frame::header_room});
	last_written_ = transaction_->after;
}

void ChangesWriter::write_pieces()
{
	if (!frame_.empty())
		finish_frame(last_written_, false);
	const std::size_t room = max_bytes_ > transaction_->header.size() + prefix_.size() + 64
		? max_bytes_ - transaction_->header.size() - prefix_.size() - 64
		: 1;
	std::size_t change = 0;
	std::size_t begin = 0; // of the piece, in text_
	while (change < ends_.size()) {
		std::size_t next = change + 1; // at least one change, however large
		while (next < ends_.size() && ends_[next] - begin <= room)
			++next;
		const std::size_t end = ends_[next - 1];
		start_frame();
		const std::size_t slice = frame_.size() - Frame::header_room;
		frame_ += '{';
		frame_ += transaction_->header;
		frame_ += ",\"changes\":[";
		frame_.append(text_, begin, end - begin);
		frame_ += "]}";
		slices_.push_back({transaction_->xid, slice, frame_.size() - Frame::header_room});
		if (next < ends_.size())
			finish_frame(nullptr, true);
		change = next;
		begin = end + 1; // past the comma
	}
	last_written_ = transaction_->after;
	last_piece_open_ = true; // until it is known which position it leads to
}

std::vector<ChangesPtr> ChangesWriter::finish(const wire::PositionPtr &after)
{
	if (!frame_.empty())
		finish_frame(after, false);
	return std::move(finished_);
}

} // namespace lockstep::hub

#include "net/session.hpp"

#include "base/log.hpp"
#include "base/spawn.hpp"
#include "base/time.hpp"
#include "wire/json.hpp"

#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

namespace lockstep::net
{
namespace
{

constexpr std::size_t max_pending = 256; // requests at the desk, before reading pauses
constexpr std::size_t max_frames_per_send = 64;
constexpr std::chrono::seconds close_patience{3};  // for the client's half of the closing handshake
constexpr std::chrono::seconds stall_patience{15}; // for a client that takes nothing while work waits for it

/// Is this, though something else may be wrong with it, a hello?
bool is_hello(const std::string &text)
{
	if (!wire::valid_json(text))
		return false;
	const auto object = wire::JsonObject::parse(text);
	return object && object->find("type") == "\"hello\"";
}

} // namespace

Session::Session(Shard &shard, asio::ip::tcp::socket socket)
	: shard_(shard), socket_(std::move(socket)), reader_(shard.settings().max_message_bytes),
	  unfinished_writes_(shard.settings().max_write_bytes), resume_reading_(socket_.get_executor()),
	  last_heard_(std::chrono::steady_clock::now()), last_heartbeat_(last_heard_), last_taken_(last_heard_)
{
}

Session::~Session() = default;

void Session::start(std::string early)
{
	error_code ignored;
	socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
	socket_.non_blocking(true, ignored);
	shard_.enter(shared_from_this());
	spawn(socket_.get_executor(), "session",
		[self = shared_from_this(), early = std::move(early)] { return self->read(early); });
}

bool Session::reading_paused() const
{
	// Only what the client asks for itself can hold it up: answers it does not take, work that it piles up.
	return outbox_.firm_bytes() > shard_.settings().max_queue_bytes || work_piled_up();
}

bool Session::work_piled_up() const
{
	// A write alone is never too much: it was not refused.
	return pending_ >= max_pending || write_bytes_ > shard_.settings().max_write_bytes;
}

asio::awaitable<void> Session::read(std::string early)
{
	const SessionPtr self = shared_from_this();
	if (!early.empty() && !feed(early))
		co_return;
	while (!gone_) {
		while (reading_paused() && !gone_) {
			reading_waits_ = true;
			co_await resume_reading_.wait();
		}
		if (gone_)
			break;
		error_code error;
		// Memory for reading is shared by the shard's sessions: none waits with a buffer of its own.
		co_await socket_.async_wait(
			asio::ip::tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
		if (error || gone_)
			break;
		auto &scratch = shard_.scratch();
		const std::size_t count = socket_.read_some(asio::buffer(scratch), error);
		if (error == asio::error::would_block || error == asio::error::try_again)
			continue;
		if (error)
			break;
		last_heard_ = std::chrono::steady_clock::now();
		if (!feed({scratch.data(), count}))
			break;
	}
	hang_up();
}

bool Session::feed(std::span<const char> bytes)
{
	std::vector<wire::Incoming> incoming;
	const auto violation = reader_.feed(bytes, incoming);
	for (wire::Incoming &message : incoming) {
		if (gone_ || close_heard_)
			break;
		handle(std::move(message));
	}
	if (violation && !gone_)
		close(violation->code, violation->reason);
	return !gone_;
}

void Session::handle(wire::Incoming incoming)
{
	switch (incoming.opcode) {
	case wire::Opcode::text:
		if (!closing_)
			handle_text(incoming.payload);
		break;
	case wire::Opcode::ping:
		send(wire::Frame::control(wire::Opcode::pong, incoming.payload));
		break;
	case wire::Opcode::close:
		close_heard_ = true;
		if (!closing_)
			close(incoming.code == 1005 ? 1000 : incoming.code, "");
		else if (outbox_.empty())
			hang_up();
		break;
	case wire::Opcode::binary:
		close(1003, "messages are text");
		break;
	default: // a pong: hearing it was all
		break;
	}
}

void Session::handle_text(const std::string &text)
{
	auto parsed = wire::parse_message(text);
	if (auto *bad = std::get_if<wire::BadMessage>(&parsed)) {
		if (!greeted_ && !is_hello(text))
			return;
		unfinished_writes_.discard(bad->id);
		shard_.metrics().count_error("bad_request");
		send(wire::error_frame(bad->id, wire::bad_request(bad->message, bad->hint)));
		return;
	}
	auto &message = std::get<wire::Message>(parsed);
	handle_request(std::move(message.id), std::move(message.request));
}

void Session::handle_request(std::string id, wire::Request request)
{
	if (auto *hello = std::get_if<wire::Hello>(&request)) {
		greet(id, std::move(*hello));
		return;
	}
	if (!greeted_) // the protocol: before welcome, only hello is answered
		return;
	if (auto *subscribe_request = std::get_if<wire::Subscribe>(&request)) {
		subscribe(std::move(id), std::move(*subscribe_request));
	} else if (auto *unsubscribe_request = std::get_if<wire::Unsubscribe>(&request)) {
		unsubscribe(id, *unsubscribe_request);
	} else if (auto *write = std::get_if<wire::Write>(&request)) {
		this->write(std::move(id), std::move(*write));
	} else if (auto *cancel_request = std::get_if<wire::Cancel>(&request)) {
		cancel(id, *cancel_request);
	} else {
		send(wire::Answer("pong", id).text("time", iso_time(std::chrono::system_clock::now())).seal());
	}
}

void Session::write(std::string id, wire::Write piece)
{
	const bool in_pieces = piece.piece.has_value();
	WriteGatherer::Taken taken = unfinished_writes_.add(id, std::move(piece));
	if (taken.failure) {
		shard_.metrics().count_error(taken.failure->code);
		send(wire::error_frame(id, *taken.failure));
		return;
	}
	if (in_pieces)
		send(wire::Answer("received", id).raw("operations", std::to_string(taken.operations)).seal());
	if (taken.whole) {
		++pending_;
		write_sizes_.push_back(taken.bytes);
		write_bytes_ += taken.bytes;
		shard_.desk().write(shared_from_this(), identity_, std::move(id), std::move(*taken.whole));
	}
}

void Session::cancel(const std::string &id, const wire::Cancel &request)
{
	if (unfinished_writes_.discard(request.write))
		send(wire::error_frame(request.write, wire::cancelled()));
	else
		shard_.desk().cancel(shared_from_this(), request.write);
	send(wire::ok_frame(id));
}

void Session::subscribe(std::string id, wire::Subscribe request)
{
	std::optional<wire::Failure> failure;
	if (requests_.contains(id))
		failure = wire::bad_request(
			"id " + id + " names a subscription already", "Give each subscribe an id of its own.");
	else if (requests_.size() >= shard_.settings().max_subscriptions)
		failure = wire::Failure{"too_many_subscriptions",
			"a session has at most " + std::to_string(shard_.settings().max_subscriptions) + " subscriptions",
			{}, "Unsubscribe from what is not shown any more."};
	if (failure) {
		shard_.metrics().count_error(failure->code);
		send(wire::error_frame(id, *failure));
		return;
	}
	requests_.emplace(id, 0);
	++pending_;
	shard_.desk().subscribe(shared_from_this(), std::move(id), std::move(request));
}

void Session::unsubscribe(const std::string &id, const wire::Unsubscribe &request)
{
	const auto found = requests_.find(request.subscription);
	if (found == requests_.end()) {
		shard_.metrics().count_error("bad_request");
		send(wire::error_frame(id, wire::bad_request("there is no subscription " + request.subscription)));
		return;
	}
	const auto at = subscribed_.find(found->second);
	if (at != subscribed_.end()) {
		std::erase(at->second.ids, request.subscription);
		if (at->second.ids.empty())
			remove(at);
	}
	requests_.erase(found);
	shard_.desk().unsubscribe(shared_from_this(), request.subscription);
	send(wire::ok_frame(id));
}

void Session::remove(std::map<hub::SubscriptionId, Subscribed>::iterator at)
{
	outbox_.forget(at->first);
	shard_.part(at->first, *this);
	subscribed_.erase(at);
}

void Session::send(wire::FramePtr frame)
{
	if (gone_)
		return;
	outbox_.push(std::move(frame));
	shard_.dirty(*this);
}

void Session::flush()
{
	const SessionPtr self = shared_from_this(); // it may end in here
	while (!waiting_writable_ && !gone_ && !outbox_.empty()) {
		std::array<iovec, max_frames_per_send>
			parts; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by gather()
		msghdr message{};
		message.msg_iov = parts.data();
		message.msg_iovlen = outbox_.gather(parts);
		const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK) {
				hang_up();
				return;
			}
			wait_writable();
			break;
		}
		last_taken_ = std::chrono::steady_clock::now();
		sent_bytes_.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
		shard_.metrics().bytes_sent.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
		shard_.metrics().frames_sent.fetch_add(
			outbox_.consume(static_cast<std::size_t>(sent)), std::memory_order_relaxed);
	}
	// Also where nothing was left to send: what was queued may have been dropped.
	if (!gone_ && outbox_.bytes() <= drained_bytes())
		on_drained();
}

void Session::wait_writable()
{
	waiting_writable_ = true;
	socket_.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](error_code error) {
		self->waiting_writable_ = false;
		if (error)
			self->hang_up();
		else
			self->flush();
	});
}

void Session::on_drained()
{
	for (const auto &waiter : std::exchange(drain_waiters_, {}))
		waiter();
	if (std::exchange(reading_waits_, false))
		resume_reading_.notify_all();
	if (!outbox_.empty())
		return;
	if (close_heard_)
		hang_up();
	else if (lapsed_)
		catch_up_lapsed();
}

void Session::tick(std::chrono::steady_clock::time_point now)
{
	if (close_by_ && now >= *close_by_) {
		hang_up();
		return;
	}
	const auto heartbeat = shard_.settings().heartbeat;
	if (reading_waits_ && work_piled_up()) // it may have said much that is not read yet
		last_heard_ = now;
	if (now - last_heard_ > 2 * heartbeat) {
		log::debug("session was silent for too long", log::Field("session", identity_.session));
		hang_up();
		return;
	}
	// Work that waits for a client holds a connection to the database, which others need.
	if (!drain_waiters_.empty() && now - last_taken_ > stall_patience) {
		log::info("session took nothing of what it asked for", log::Field("session", identity_.session));
		hang_up();
		return;
	}
	if (closing_ || now - last_heartbeat_ < heartbeat)
		return;
	last_heartbeat_ = now;
	static const wire::FramePtr ping = wire::Frame::control(wire::Opcode::ping, "");
	send(ping);
	if (!greeted_ || !shard_.position())
		return;
	// It must hold for every subscription: none may be in the middle of something.
	for (const auto &[id, entry] : subscribed_)
		if (entry.tail->phase() != Tail::Phase::live)
			return;
	outbox_.push_position(shard_.position_frame());
}

void Session::close(std::uint16_t code, std::string reason)
{
	if (closing_ || gone_)
		return;
	closing_ = true;
	close_by_ = std::chrono::steady_clock::now() + close_patience;
	send(wire::Frame::close(code, reason));
}

void Session::give_up(std::string reason)
{
	asio::post(socket_.get_executor(), [self = shared_from_this(), reason = std::move(reason)] {
		if (!self->closing_ && !self->gone_)
			log::info("session ended: " + reason, log::Field("session", self->identity_.session));
		self->close(1013, reason);
	});
}

void Session::hang_up()
{
	if (gone_.exchange(true))
		return;
	const SessionPtr self = shared_from_this();
	for (const auto &[id, entry] : subscribed_)
		shard_.part(id, *this);
	shard_.leave(*this);
	shard_.desk().closed(self);
	for (const auto &waiter : std::exchange(drain_waiters_, {}))
		waiter();
	resume_reading_.notify_all();
	error_code ignored;
	socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
	socket_.close(ignored);
	log::debug("session ended", log::Field("session", identity_.session));
}

asio::awaitable<bool> Session::drained(
	SessionPtr session, hub::SubscriptionId subscription, Ticket ticket, asio::any_io_executor executor)
{
	struct Wait {
		explicit Wait(const asio::any_io_executor &where) : signal(where) {}
		Signal signal;
		bool over = false;
		bool current = false;
	};
	auto wait = std::make_shared<Wait>(executor);
	auto wake = [wait, session, subscription, ticket, executor] { // on the session's shard
		asio::post(executor, [wait, current = session->current(subscription, ticket) != nullptr] {
			wait->over = true;
			wait->current = current;
			wait->signal.notify_all();
		});
	};
	asio::post(session->socket_.get_executor(), [session, wake] {
		if (session->gone_ || session->outbox_.bytes() <= session->drained_bytes())
			wake();
		else
			session->drain_waiters_.emplace_back(wake);
	});
	while (!wait->over)
		co_await wait->signal.wait();
	co_return wait->current;
}

} // namespace lockstep::net

#include "reader_loop.hpp"

#include "clock.hpp"

#include <algorithm>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace lockstep::bench
{

ReaderLoop::ReaderLoop(Board &board, const Target &target, std::size_t first, std::size_t count)
	: board_(board), target_(target), first_(first), clients_(count), epoll_(epoll_create1(EPOLL_CLOEXEC)),
	  buffer_(256 * 1024)
{
	thread_ = std::thread([this] { run(); });
}

ReaderLoop::~ReaderLoop()
{
	board_.stop = true;
	join();
	close(epoll_);
}

void ReaderLoop::join()
{
	if (thread_.joinable())
		thread_.join();
}

std::int64_t ReaderLoop::cpu_ns()
{
	clockid_t clock{};
	pthread_getcpuclockid(thread_.native_handle(), &clock);
	return read_clock(clock);
}

void ReaderLoop::run()
{
	connect_all();
	while (!board_.stop && error_.empty())
		poll(100);
}

void ReaderLoop::connect_all()
{
	// A bounded number at a time: the listen queue is short.
	std::size_t opened = 0;
	while (live_ < clients_.size() && error_.empty() && !board_.stop) {
		while (opened < clients_.size() && opened - live_ < 64 && error_.empty())
			open(opened++);
		if (!poll(30'000))
			fail("no answer from the bridge for 30 s while connecting");
	}
}

void ReaderLoop::open(std::size_t index)
{
	auto client = std::make_unique<Client>();
	if (client->connection.open(target_, first_ + index) < 0)
		return fail(client->connection.error());
	epoll_event event{
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data = {.ptr = client.get()},
	};
	if (epoll_ctl(epoll_, EPOLL_CTL_ADD, client->connection.socket(), &event) != 0)
		return fail("could not watch a socket");
	clients_[index] = std::move(client);
}

bool ReaderLoop::poll(int timeout_ms)
{
	epoll_event events[512];
	const int count = epoll_wait(epoll_, events, 512, timeout_ms);
	for (int i = 0; i < count; ++i)
		serve(*static_cast<Client *>(events[i].data.ptr), events[i].events);
	board_.delivered += static_cast<std::uint64_t>(delivered_); // modulo 2^64: it may be negative
	delivered_ = 0;
	return count > 0;
}

void ReaderLoop::serve(Client &client, std::uint32_t events)
{
	Connection &connection = client.connection;
	const bool was_live = connection.stage() == Connection::Stage::live;
	bool alive = true;
	if ((events & EPOLLOUT) && connection.wants_write())
		alive = connection.on_writable();
	const auto read = [&] {
		return connection.on_readable(buffer_, [&](std::string_view text) { take(client, text); });
	};
	if (alive && (events & EPOLLIN))
		alive = read();
	// A hang-up that came with the last bytes is no edge of its own.
	if (alive && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		alive = read();
	if (!alive)
		return fail("a client lost its connection: " + connection.error());
	if (!was_live && connection.stage() == Connection::Stage::live) {
		++live_;
		++board_.keeping_up;
		++board_.live;
	}
}

void ReaderLoop::take(Client &client, std::string_view text)
{
	now_ns_ = now_ns();
	Receipt &receipt = client.receipt;
	const Message &message = memory_.look(text, client.place);
	switch (message.type) {
	case Message::Type::changes: {
		const bool marked = receipt.marker_ns != 0;
		const std::uint64_t before = receipt.all_changes;
		receipt.take(message, text.size(), now_ns_, board_.first_measured_ns.load(std::memory_order_relaxed),
			[this](std::int64_t stamp) {
				latencies_us_.add(
					static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns_ - stamp, 0)) / 1000);
			});
		if (!receipt.behind)
			delivered_ += static_cast<std::int64_t>(receipt.all_changes - before);
		if (!marked && receipt.marker_ns != 0)
			++board_.marked;
		return;
	}
	case Message::Type::behind:
		if (!receipt.behind) {
			receipt.behind = true;
			--board_.keeping_up;
			delivered_ -= static_cast<std::int64_t>(receipt.all_changes);
		}
		return;
	case Message::Type::other:
		return;
	default:
		client.connection.fail("the bridge says " + std::string(text.substr(0, 500)));
	}
}

void ReaderLoop::fail(const std::string &why)
{
	if (error_.empty())
		error_ = why;
	board_.failed = true;
}

} // namespace lockstep::bench

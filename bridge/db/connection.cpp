#include "db/connection.hpp"

#include <array>
#include <utility>

namespace lockstep::db
{
namespace
{

using Descriptor = asio::posix::stream_descriptor;

constexpr std::chrono::seconds connect_timeout{10};

std::string trimmed(const char *text)
{
	std::string result = text == nullptr ? "" : text;
	while (!result.empty() && (result.back() == '\n' || result.back() == ' '))
		result.pop_back();
	return result;
}

std::string field(const PGresult *result, int code)
{
	return trimmed(PQresultErrorField(result, code));
}

/// Interrupts a descriptor's wait when the time is over. The handler may run after its owner is gone.
class Deadline {
public:
	Deadline(const asio::any_io_executor &executor, Descriptor &socket, std::chrono::milliseconds after)
		: timer_(executor, after), state_(std::make_shared<State>(State{&socket, false}))
	{
		timer_.async_wait([state = state_](error_code error) {
			if (error || state->socket == nullptr)
				return;
			state->over = true;
			error_code ignored;
			state->socket->cancel(ignored);
		});
	}
	~Deadline() { state_->socket = nullptr; }
	Deadline(const Deadline &) = delete;
	Deadline &operator=(const Deadline &) = delete;

	bool over() const { return state_->over; }

private:
	struct State {
		Descriptor *socket;
		bool over;
	};
	asio::steady_timer timer_;
	std::shared_ptr<State> state_;
};

} // namespace

asio::awaitable<std::unique_ptr<Connection>> Connection::open(
	asio::any_io_executor executor, std::string conninfo, std::chrono::milliseconds lock_timeout)
{
	std::unique_ptr<Connection> connection(new Connection(executor));
	co_await connection->connect(std::move(conninfo));
	// Not as connection options: the user may have some of his own.
	co_await connection->query(
		"SELECT set_config('DateStyle', 'ISO, YMD', false), set_config('IntervalStyle', 'postgres', false), "
		"set_config('TimeZone', 'UTC', false), set_config('bytea_output', 'hex', false), "
		"set_config('extra_float_digits', '1', false), "
		// Money's decimals, as images have them; and names.
		"set_config('lc_monetary', 'C', false), set_config('quote_all_identifiers', 'off', false), "
		"set_config('standard_conforming_strings', 'on', false)");
	if (lock_timeout.count() > 0)
		co_await connection->query(
			"SELECT set_config('lock_timeout', $1, false)", params(std::to_string(lock_timeout.count())));
	co_return connection;
}

Connection::~Connection()
{
	if (socket_.is_open())
		socket_.release(); // PQfinish closes the descriptor
	PQfinish(connection_);
}

void Connection::adopt_socket()
{
	// The descriptor may change during PQconnectPoll (another address, a retry without encryption), and keep its
	// number while it does.
	if (socket_.is_open())
		socket_.release();
	const int descriptor = PQsocket(connection_);
	if (descriptor < 0)
		lost();
	socket_.assign(descriptor);
}

void Connection::lost()
{
	std::string message = trimmed(PQerrorMessage(connection_));
	throw ConnectionLost(message.empty() ? "the connection was lost" : std::move(message));
}

asio::awaitable<void> Connection::connect(std::string conninfo)
{
	// Later entries win: the user's own settings come after ours, except for the encoding, which must be UTF-8.
	const std::array<const char *, 8> keywords = {"fallback_application_name", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname", "client_encoding", nullptr};
	const std::array<const char *, 8> values = {
		"lockstep-bridge", "15", "5", "3", "20000", conninfo.c_str(), "UTF8", nullptr};
	connection_ = PQconnectStartParams(keywords.data(), values.data(), 1);
	if (connection_ == nullptr)
		throw std::bad_alloc();
	if (PQstatus(connection_) == CONNECTION_BAD)
		lost();

	const auto give_up = std::chrono::steady_clock::now() + connect_timeout;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	while (state != PGRES_POLLING_OK) {
		adopt_socket();
		const auto left =
			std::chrono::duration_cast<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
		{
			Deadline deadline(executor_, socket_, left);
			error_code error;
			co_await socket_.async_wait(
				state == PGRES_POLLING_READING ? Descriptor::wait_read : Descriptor::wait_write,
				asio::redirect_error(asio::use_awaitable, error));
			if (deadline.over())
				throw ConnectionLost("timeout expired");
			if (error && error != asio::error::operation_aborted)
				throw ConnectionLost(error.message());
		}
		socket_.release();
		state = PQconnectPoll(connection_);
		if (state == PGRES_POLLING_FAILED)
			lost();
	}
	adopt_socket();
	if (PQsetnonblocking(connection_, 1) != 0)
		lost();
	// Notices (of writes, mostly) are for the client that wrote, not for standard error.
	PQsetNoticeReceiver(
		connection_, [](void *, const PGresult *) {}, nullptr);
}

asio::awaitable<void> Connection::wait_for(Descriptor::wait_type what)
{
	error_code error;
	co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
	if (error && error != asio::error::operation_aborted)
		throw ConnectionLost(error.message());
}

asio::awaitable<void> Connection::wait_either()
{
	// Neither operation can be awaited alone: both sides may have filled their buffers. Whichever is ready first
	// cancels the other; this frame lives until both have reported.
	asio::steady_timer both(executor_, asio::steady_timer::time_point::max());
	int open = 2;
	auto report = [&both, &open, this](error_code) {
		--open;
		error_code ignored;
		if (open == 1)
			socket_.cancel(ignored);
		else
			both.cancel();
	};
	socket_.async_wait(Descriptor::wait_read, report);
	socket_.async_wait(Descriptor::wait_write, report);
	error_code ignored;
	co_await both.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> Connection::flush()
{
	while (true) {
		const int left = PQflush(connection_);
		if (left == 0)
			co_return;
		if (left < 0)
			lost();
		co_await wait_either();
		if (PQconsumeInput(connection_) == 0)
			lost();
	}
}

void Connection::send(const std::string &sql, const Params &params)
{
	if (connection_ == nullptr || PQstatus(connection_) != CONNECTION_OK)
		lost();
	std::vector<const char *> values;
	values.reserve(params.size());
	for (const auto &param : params)
		values.push_back(param ? param->c_str() : nullptr);
	if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
			nullptr, nullptr, 0) == 0)
		lost();
}

asio::awaitable<PGresult *> Connection::next_result()
{
	while (PQisBusy(connection_) != 0) {
		co_await wait_for(Descriptor::wait_read);
		if (PQconsumeInput(connection_) == 0)
			lost();
	}
	co_return PQgetResult(connection_);
}

Result Connection::checked(PGresult *raw)
{
	Result result(raw);
	const ExecStatusType status = PQresultStatus(raw);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE)
		return result;
	SqlError error;
	error.sqlstate = field(raw, PG_DIAG_SQLSTATE);
	error.message = field(raw, PG_DIAG_MESSAGE_PRIMARY);
	error.detail = field(raw, PG_DIAG_MESSAGE_DETAIL);
	error.hint = field(raw, PG_DIAG_MESSAGE_HINT);
	// A result without an SQLSTATE was made by libpq itself: the connection broke. So it did where the server
	// says goodbye (57P01 and the like are FATAL).
	if (error.sqlstate.empty())
		throw ConnectionLost(trimmed(PQresultErrorMessage(raw)));
	const std::string severity = field(raw, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (severity == "FATAL" || severity == "PANIC")
		throw ConnectionLost(error.message);
	throw error;
}

asio::awaitable<Result> Connection::query(std::string sql, Params params)
{
	send(sql, params);
	co_await flush();
	std::optional<Result> last;
	std::exception_ptr failure;
	// All results must be taken, also after an error, before the next statement can be sent.
	while (PGresult *raw = co_await next_result()) {
		try {
			last = checked(raw);
		} catch (...) {
			if (!failure)
				failure = std::current_exception();
		}
	}
	if (failure)
		std::rethrow_exception(failure);
	if (!last)
		lost();
	co_return std::move(*last);
}

asio::awaitable<void> Connection::start(std::string sql, Params params)
{
	send(sql, params);
	if (PQsetSingleRowMode(connection_) == 0)
		lost();
	co_await flush();
}

asio::awaitable<std::optional<Result>> Connection::next()
{
	std::exception_ptr failure;
	while (PGresult *raw = co_await next_result()) {
		if (failure) {
			PQclear(raw);
			continue;
		}
		try {
			Result result = checked(raw);
			if (PQresultStatus(raw) == PGRES_SINGLE_TUPLE)
				co_return std::move(result);
		} catch (...) {
			failure = std::current_exception();
		}
	}
	if (failure)
		std::rethrow_exception(failure);
	co_return std::nullopt;
}

bool Connection::take_notifications()
{
	bool any = false;
	while (PGnotify *notification = PQnotifies(connection_)) {
		PQfreemem(notification);
		any = true;
	}
	return any;
}

asio::awaitable<bool> Connection::wait_notification(std::chrono::milliseconds longest)
{
	if (take_notifications()) // may have come together with the last result
		co_return true;
	if (std::exchange(interrupted_, false))
		co_return false;
	{
		Deadline deadline(executor_, socket_, longest);
		waiting_ = true;
		error_code error;
		co_await socket_.async_wait(Descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
		waiting_ = false;
		if (error == asio::error::operation_aborted) {
			interrupted_ = false;
			co_return false;
		}
		if (error)
			throw ConnectionLost(error.message());
	}
	if (PQconsumeInput(connection_) == 0)
		lost();
	co_return take_notifications();
}

void Connection::interrupt()
{
	interrupted_ = true;
	if (waiting_) {
		error_code ignored;
		socket_.cancel(ignored);
	}
}

bool Connection::idle()
{
	if (PQstatus(connection_) != CONNECTION_OK || PQtransactionStatus(connection_) != PQTRANS_IDLE)
		return false;
	// What a server that is going down says, or the end of the stream, waits in the socket.
	return PQconsumeInput(connection_) != 0 && PQstatus(connection_) == CONNECTION_OK &&
		PQisBusy(connection_) == 0;
}

} // namespace lockstep::db

#include "link.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "braid/base/detail/lost_error.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/offload_abandonable.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"

namespace braid::postgres::detail {

namespace {

using namespace std::chrono_literals;

constexpr auto first_patience = 50ms;  // with a cancel request, before the next one

std::atomic<std::uint64_t> connections_made{0};

std::string trimmed(const char* text) {
  std::string made = text == nullptr ? "" : text;
  while (made.ends_with('\n') || made.ends_with(' ')) made.pop_back();
  return made;
}

const char* field(const pg_result* of, int which) {
  const char* text = PQresultErrorField(of, which);
  return text == nullptr ? "" : text;
}

// Has OpenSSL decrypted bytes that libpq has not taken? The socket does not become readable for them.
// libpq has loaded OpenSSL where it uses it.
bool has_decrypted(PGconn* of) noexcept {
  using pending_bytes = int(const void*);
  if (PQsslInUse(of) == 0) return false;
  static auto* const pending = reinterpret_cast<pending_bytes*>(::dlsym(RTLD_DEFAULT, "SSL_pending"));
  const void* const ssl = PQsslStruct(of, "OpenSSL");
  return pending != nullptr && ssl != nullptr && pending(ssl) > 0;
}

// Blocks until the server has got the request, which is when it closes the connection.
std::string cancel_now(const std::shared_ptr<PGcancel>& key) {
  std::array<char, 256> why{};
  return PQcancel(key.get(), why.data(), static_cast<int>(why.size())) == 1 ? std::string()
                                                                            : trimmed(why.data());
}

}  // namespace

std::string last_error(PGconn* of) { return trimmed(PQerrorMessage(of)); }

server_message message_of(const pg_result* said) {
  server_message made;
  made.severity = field(said, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (made.severity.empty()) made.severity = field(said, PG_DIAG_SEVERITY);
  if (const std::string_view code = field(said, PG_DIAG_SQLSTATE);
      code.size() == 5 && code.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == code.npos)
    made.code = sqlstate(code);
  made.message = field(said, PG_DIAG_MESSAGE_PRIMARY);
  made.detail = field(said, PG_DIAG_MESSAGE_DETAIL);
  made.hint = field(said, PG_DIAG_MESSAGE_HINT);
  made.context = field(said, PG_DIAG_CONTEXT);
  made.schema = field(said, PG_DIAG_SCHEMA_NAME);
  made.table = field(said, PG_DIAG_TABLE_NAME);
  made.column = field(said, PG_DIAG_COLUMN_NAME);
  made.data_type = field(said, PG_DIAG_DATATYPE_NAME);
  made.constraint = field(said, PG_DIAG_CONSTRAINT_NAME);
  const std::string_view position = field(said, PG_DIAG_STATEMENT_POSITION);
  std::from_chars(position.data(), position.data() + position.size(), made.position);
  return made;
}

error error_of(const pg_result* said, const char* call) {
  if (PQresultErrorField(said, PG_DIAG_SQLSTATE) == nullptr)
    return error(errc::failed, call, trimmed(PQresultErrorMessage(said)));
  return error(std::make_exception_ptr(server_error(call, message_of(said))));
}

link::link(connection_options how)
    : options_(std::move(how)), made_by_(::getpid()), number_(++connections_made) {}

link::turn::turn(link& on) : on_(on) {
  if (std::exchange(on.busy_, true)) misuse_error("postgres::connection: one operation at a time").rethrow();
}

link::turn::~turn() {
  if (std::exchange(on_.unfinished_, false)) on_.close();
  on_.busy_ = false;
}

// PQfinish takes leave of the server by a write that blocks while the socket has no room. So a connection on
// which something is in progress is shut down before. A forked child shares the socket with its parent: it
// only closes its descriptor, and leaves the memory.
void link::close() noexcept {
  PGconn* const open = std::exchange(handle_, nullptr);
  if (open == nullptr) return;
  const int socket = PQsocket(open);
  if (::getpid() != made_by_) {
    if (socket >= 0) ::close(socket);
    return;
  }
  const bool is_idle = PQstatus(open) == CONNECTION_OK && !broken_ && !unsent_ && !busy_ &&
                       PQtransactionStatus(open) != PQTRANS_ACTIVE;
  if (!is_idle && socket >= 0) ::shutdown(socket, SHUT_RDWR);
  PQfinish(open);
}

void link::break_off() noexcept {
  broken_ = true;
  if (handle_ != nullptr && PQsocket(handle_) >= 0) ::shutdown(PQsocket(handle_), SHUT_RDWR);
}

// The operation in progress notices it by the end of the connection.
void link::leave() noexcept {
  if (!busy_) return close();
  break_off();
}

PGconn* link::give_away() noexcept {
  if (::getpid() != made_by_ || handle_ == nullptr) return close(), nullptr;
  break_off();
  PQsetNoticeReceiver(handle_, [](void*, const pg_result*) {}, nullptr);
  return std::exchange(handle_, nullptr);
}

void link::finish_with(PGconn* one) noexcept {
  if (one != nullptr) PQfinish(one);
}

// An exception of the handler must not go through libpq.
void link::on_notice(void* self, const pg_result* said) {
  link& on = *static_cast<link*>(self);
  try {
    const server_message read = detail::message_of(said);
    if (read.severity == "FATAL" || read.severity == "PANIC") on.farewell_ = read;
    if (on.options_.on_notice) on.options_.on_notice(read);
  } catch (...) {
    braid::detail::report_lost(error::current());
  }
}

task<> link::connect(const settings& to) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : to.parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  handle_ = PQconnectStartParams(names.data(), values.data(), 0);
  if (handle_ == nullptr) error::out_of_memory().rethrow();
  PQsetNoticeReceiver(handle_, on_notice, this);
  PostgresPollingStatusType step =
      PQstatus(handle_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
    // libpq may have another socket after each step.
    if (const int socket = PQsocket(handle_); socket >= 0)
      co_await wait_for(socket, step == PGRES_POLLING_READING ? POLLIN : POLLOUT);
    step = PQconnectPoll(handle_);
  }
  if (step != PGRES_POLLING_OK) {
    broken_ = true;
    error(errc::connect_failed, "postgres::connect", last_error(handle_)).rethrow();
  }
  if (PQsetnonblocking(handle_, 1) != 0) refuse("postgres::connect");
}

void link::refuse(const char* call) {
  if (PQstatus(handle_) != CONNECTION_BAD) error(errc::failed, call, last_error(handle_)).rethrow();
  error lost(errc::connection_lost, call, last_error(handle_));
  broken_ = true;
  close();
  lost.rethrow();
}

// What the server has said since the last operation is read here: so a connection that it has closed
// meanwhile is found before anything is sent.
void link::check(const char* call) {
  if (handle_ == nullptr) error(errc::connection_closed, call).rethrow();
  pollfd one{PQsocket(handle_), POLLIN, 0};
  while (PQstatus(handle_) == CONNECTION_OK && !broken_ && !farewell_ && ::poll(&one, 1, 0) == 1) {
    read();
    (void)PQisBusy(handle_);  // gives notices to their handler
  }
  if (PQstatus(handle_) == CONNECTION_OK && !broken_ && !farewell_) return;
  error lost(errc::connection_lost, call, last_error(handle_));
  if (farewell_) lost.suppress(error(std::make_exception_ptr(server_error(call, *farewell_))));
  broken_ = true;
  close();
  lost.rethrow();
}

void link::read() noexcept {
  do {
    if (PQconsumeInput(handle_) == 1) continue;
    // It fails without closing the connection when it lacks memory: what has arrived stays unread.
    if (PQstatus(handle_) != CONNECTION_BAD) broken_ = true;
    return;
  } while (has_decrypted(handle_));
}

void link::keep(result_ptr one, answer& to, const char* call) {
  const bool wants_copy = to.wanted_copy != PGRES_EMPTY_QUERY;
  if (wants_copy && PQresultStatus(one.get()) == to.wanted_copy && !to.failed) {
    to.in_copy = true;
    return;
  }
  switch (PQresultStatus(one.get())) {
    case PGRES_COPY_IN: PQputCopyEnd(handle_, "a query has no rows to copy"); return;
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      to.dropping_copy = true;
      if (!to.failed && !to.ends_early)
        to.failed = misuse_error("postgres::query: COPY has functions of its own");
      return;
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    case PGRES_PIPELINE_ABORTED: break;
    default: to.last = std::move(one); return;
  }
  if (!to.failed) to.failed = error_of(one.get(), call);
}

// Takes what has arrived of the answer. True once that was all.
bool link::take(answer& to, const char* call) {
  for (;;) {
    const int flushed = PQflush(handle_);
    unsent_ = flushed > 0;
    if (broken_) return true;
    if (to.dropping_copy) {
      char* line = nullptr;
      const int size = PQgetCopyData(handle_, &line, 1);
      PQfreemem(line);
      if (size == 0) return false;
      to.dropping_copy = size > 0;
      continue;
    }
    if (PQisBusy(handle_) == 1) return false;
    result_ptr one(PQgetResult(handle_));
    if (one == nullptr) return true;
    keep(std::move(one), to, call);
    if (to.in_copy) return true;
  }
}

result_ptr link::judge(answer& got, const char* call) {
  if (PQstatus(handle_) == CONNECTION_BAD || broken_) {
    error lost(errc::outcome_unknown, call, last_error(handle_));
    if (got.failed) lost.suppress(*std::move(got.failed));
    broken_ = true;
    close();
    lost.rethrow();
  }
  unfinished_ = false;
  if (closes_at_end_) close();
  if (got.failed) got.failed->rethrow();
  return std::move(got.last);
}

task<> link::drain(answer& to, const char* call) {
  while (!take(to, call)) {
    co_await wait_for(PQsocket(handle_), unsent_ ? POLLIN | POLLOUT : POLLIN);
    read();
  }
}

task<std::string> link::ask_to_cancel() {
  const std::shared_ptr<PGcancel> key(PQgetCancel(handle_), PQfreeCancel);
  if (key == nullptr) error::out_of_memory().rethrow();
  co_return co_await offload_abandonable(cancel_now, key);
}

// A server that has not yet begun the statement ignores the request. So it gets further ones until the
// statement has ended.
task<> link::end_early(answer& to, const char* call) {
  auto patience = loop_clock::duration(first_patience);
  for (;; patience *= 2) {
    const std::string refused = co_await ask_to_cancel();
    (void)refused;  // what keeps it from the server now may be over at the next request
    auto draining = as_result(with_timeout(drain(to, call), patience));
    const result<void> drained = co_await std::move(draining);
    if (drained) co_return;
    if (drained.error().code().category() != timeout_category()) drained.error().rethrow();
  }
}

// The waiter has requested stop: ends the statement, or the connection.
task<> link::stop(answer& to, error why, const char* call) {
  const bool begins_copy = std::exchange(to.wanted_copy, PGRES_EMPTY_QUERY) != PGRES_EMPTY_QUERY;
  to.ends_early = true;
  if (unsent_) {  // a statement that was not sent whole is not executed
    broken_ = true;
    close();
    why.rethrow();
  }
  auto ending = as_result(shield(with_timeout(end_early(to, call), options_.cancel_within)));
  const result<void> ended = co_await std::move(ending);
  if (!ended) {
    broken_ = true;
    close();
    if (ended.error() == std::errc::operation_canceled) why.rethrow();  // the loop ends
    error unknown(errc::outcome_unknown, call, "the server has not ended it in time after a cancel request");
    unknown.suppress(ended.error());
    unknown.rethrow();
  }
  const bool is_cancelled = to.failed && *to.failed == sqlstate::query_canceled;
  const bool is_dropped = begins_copy && !to.failed;  // its rows came before the cancel request
  if ((is_cancelled || is_dropped) && !is_lost()) to.failed = std::move(why);
}

task<> link::await_cancels() {
  for (const link& self = *this; self.cancels_ != 0;) co_await shield(cancels_over_.wait());
}

// Waits for the answer, and ends the statement early if stop is requested.
task<> link::follow(answer& got, const char* call) {
  std::optional<error> stopped;
  while (!stopped && !take(got, call)) {
    auto waiting = as_result(wait_for(PQsocket(handle_), unsent_ ? POLLIN | POLLOUT : POLLIN));
    const result<void> waited = co_await std::move(waiting);
    if (waited)
      read();
    else
      stopped = waited.error();
  }
  if (stopped) co_await stop(got, *std::move(stopped), call);
}

task<result_ptr> link::finish(const char* call) {
  answer got;
  co_await follow(got, call);
  co_await await_cancels();
  co_return judge(got, call);
}

task<> link::begin_copy(ExecStatusType wanted, const char* call) {
  answer got;
  got.wanted_copy = wanted;
  co_await follow(got, call);
  if (got.in_copy && !is_lost()) co_return;
  co_await await_cancels();
  const result_ptr other = judge(got, call);
  misuse_error(wanted == PGRES_COPY_IN ? "postgres: the statement is no COPY FROM STDIN"
                                       : "postgres: the statement is no COPY TO STDOUT")
      .rethrow();
}

task<> link::drop_copy(const char* call) {
  answer got;
  got.dropping_copy = true;
  co_await stop(got, error(std::errc::operation_canceled), call);
  co_await await_cancels();
  got.failed.reset();  // the rows are dropped whether the server had another error or not
  (void)judge(got, call);
}

task<> link::cancel() {
  if (!busy_ || handle_ == nullptr) co_return;
  ++cancels_;
  auto asking = as_result(with_timeout(ask_to_cancel(), options_.cancel_within));
  const result<std::string> asked = co_await std::move(asking);
  if (!asked) closes_at_end_ = true;  // the request may still arrive, and would meet the next statement
  if (--cancels_ == 0) cancels_over_.set();
  if (!asked) asked.error().rethrow();
  if (!asked->empty()) error(errc::failed, "postgres::connection::cancel", *asked).rethrow();
}

}  // namespace braid::postgres::detail

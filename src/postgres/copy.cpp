#include "braid/postgres/copy.hpp"

#include <poll.h>

#include <memory>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "copy_core.hpp"
#include "order.hpp"

namespace braid::postgres {

namespace detail {

namespace {

constexpr const char *out_call = "postgres::copy_out", *in_call = "postgres::copy_in";
constexpr std::size_t piece_size = 65536;

// Sends the statement, by the extended protocol, which takes one alone.
void send_copy(link& over, std::string text, const char* call) {
  const order what(std::move(text), "", false, parameters());
  check(what, call);
  over.check(call);
  over.begin();
  if (!send(over, what)) over.refuse(call);
}

}  // namespace

// ---- out -------------------------------------------------------------------------------------------------

task<> copy_out_core::begin(std::string text) {
  co_await not_stopped();
  send_copy(on_, std::move(text), out_call);
  co_await on_.begin_copy(PGRES_COPY_OUT, out_call);
}

// True if there is a piece to give, or if all have come.
bool copy_out_core::take(std::string& piece) {
  while (piece.size() < piece_size) {
    char* bytes = nullptr;
    const int size = PQgetCopyData(on_.handle(), &bytes, 1);
    const std::unique_ptr<char, void (*)(void*)> owned(bytes, PQfreemem);
    if (size > 0) piece.append(bytes, static_cast<std::size_t>(size));
    if (size > 0) continue;
    is_whole_ = size < 0;
    return is_whole_ || !piece.empty();
  }
  return true;
}

task<std::optional<std::string>> copy_out_core::next() {
  if (!turn_) co_return std::nullopt;
  std::string piece;
  try {
    while (!is_whole_ && !on_.is_lost() && !take(piece)) {
      auto waiting = as_result(wait_for(PQsocket(on_.handle()), POLLIN));
      const result<void> waited = co_await std::move(waiting);
      if (!waited) waited.error().rethrow();
      on_.read();
    }
  } catch (const std::bad_alloc&) {
    on_.break_off();  // a row may be lost
    turn_.reset();
    throw;
  }
  if (!piece.empty()) co_return std::move(piece);
  co_await on_.drain(end_, out_call);  // which goes on where it was stopped
  co_await on_.await_cancels();
  try {
    count = rows(on_.judge(end_, out_call)).affected();
  } catch (...) {
    turn_.reset();
    throw;
  }
  turn_.reset();
  co_return std::nullopt;
}

task<> copy_out_core::abort() {
  if (!turn_) co_return;
  auto dropping = as_result(on_.drop_copy(out_call));
  const result<void> dropped = co_await std::move(dropping);
  turn_.reset();
  if (!dropped) dropped.error().rethrow();
}

// ---- in --------------------------------------------------------------------------------------------------

task<> copy_in_core::begin(std::string text) {
  co_await not_stopped();
  send_copy(on_, std::move(text), in_call);
  co_await on_.begin_copy(PGRES_COPY_IN, in_call);
}

void copy_in_core::check(const char* call) {
  if (!turn_) misuse_error("postgres::copied_in: it has ended").rethrow();
  if (is_torn_) misuse_error("postgres::copied_in: a write was stopped or goes on").rethrow();
  if (on_.is_lost()) lose(errc::connection_lost, call);
}

void copy_in_core::lose(errc how, const char* call) {
  error lost(how, call, last_error(on_.handle()));
  on_.break_off();
  turn_.reset();
  lost.rethrow();
}

// Waits until the socket has taken everything. What the server says meanwhile is read: it may not go on
// before.
task<> copy_in_core::flush(const char* call) {
  for (;;) {
    const int flushed = PQflush(on_.handle());
    if (flushed < 0 || on_.is_lost()) lose(errc::connection_lost, call);
    if (flushed == 0) co_return;
    co_await wait_for(PQsocket(on_.handle()), POLLIN | POLLOUT);
    on_.read();
  }
}

task<> copy_in_core::write(std::string_view bytes) {
  co_await not_stopped();
  check(in_call);
  is_torn_ = true;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece_size);
    const int put = PQputCopyData(on_.handle(), part.data(), static_cast<int>(part.size()));
    if (put < 0) lose(errc::connection_lost, in_call);
    if (put > 0) bytes.remove_prefix(part.size());
    co_await flush(in_call);
  }
  is_torn_ = false;
}

task<> copy_in_core::put_end(const char* reason, const char* call) {
  co_await flush(call);  // of a write that was stopped
  for (;;) {
    const int put = PQputCopyEnd(on_.handle(), reason);
    if (put < 0) lose(errc::connection_lost, call);
    if (put > 0) co_return;
    co_await flush(call);
  }
}

task<std::uint64_t> copy_in_core::finish() {
  co_await not_stopped();
  check(in_call);
  is_torn_ = true;  // if it is stopped before the end was put
  co_await put_end(nullptr, in_call);
  auto ending = as_result(on_.finish(in_call));
  result<result_ptr> ended = co_await std::move(ending);
  turn_.reset();
  if (!ended) ended.error().rethrow();
  co_return rows(*std::move(ended)).affected();
}

task<> copy_in_core::abort(std::string reason) {
  if (!turn_) co_return;
  check_text(reason, in_call);
  auto putting =
      as_result(shield(with_timeout(put_end(reason.c_str(), in_call), on_.options().cancel_within)));
  const result<void> put = co_await std::move(putting);
  if (!put) {
    on_.break_off();
    turn_.reset();
    put.error().rethrow();
  }
  auto ending = as_result(on_.finish(in_call));
  const result<result_ptr> ended = co_await std::move(ending);
  turn_.reset();
  // The server says that the COPY has failed, or that the connection is lost, by which nothing is stored.
  if (!ended && !postgres::message_of(ended.error())) ended.error().rethrow();
}

namespace {

task<copied_out> copy_out(link* on, std::string text) {
  const auto core = std::make_shared<copy_out_core>(open(on, out_call));
  co_await core->begin(std::move(text));
  co_return copied_out(core);
}

task<copied_in> copy_in(link* on, std::string text) {
  const auto core = std::make_shared<copy_in_core>(open(on, in_call));
  co_await core->begin(std::move(text));
  co_return copied_in(core);
}

task<std::optional<std::string>> next_of(std::shared_ptr<copy_out_core> core) {
  co_return co_await core->next();
}
task<> abort_of(std::shared_ptr<copy_out_core> core) { co_await core->abort(); }
task<> write_to(std::shared_ptr<copy_in_core> core, std::string_view bytes) { co_await core->write(bytes); }
task<std::uint64_t> finish_of(std::shared_ptr<copy_in_core> core) { co_return co_await core->finish(); }
task<> abort_of(std::shared_ptr<copy_in_core> core, std::string reason) {
  co_await core->abort(std::move(reason));
}

}  // namespace

}  // namespace detail

task<copied_out> connection::copy_out(std::string text) {
  return detail::copy_out(link_.get(), std::move(text));
}
task<copied_in> connection::copy_in(std::string text) {
  return detail::copy_in(link_.get(), std::move(text));
}

task<std::optional<std::string>> copied_out::next() { return detail::next_of(core_); }
task<> copied_out::abort() { return detail::abort_of(core_); }
std::uint64_t copied_out::count() const noexcept { return core_->count; }

task<> copied_in::write(std::string_view bytes) { return detail::write_to(core_, bytes); }
task<> copied_in::write(std::span<const std::byte> bytes) {
  return detail::write_to(core_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
task<std::uint64_t> copied_in::finish() { return detail::finish_of(core_); }
task<> copied_in::abort(std::string reason) { return detail::abort_of(core_, std::move(reason)); }

}  // namespace braid::postgres

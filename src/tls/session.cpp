#include "session.hpp"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/base/result.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/net/detail/one_at_a_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/tls/error.hpp"

namespace braid::tls::detail {

namespace {

using braid::detail::one_at_a_time;
using outcome = engine::outcome;

constexpr const char* one_read = "tls::stream: one read at a time";
constexpr const char* one_write = "tls::stream: one write at a time";
constexpr std::size_t most_output = 64 << 10;  // of answers that nobody writes; then a read waits for them

}  // namespace

session::session(std::unique_ptr<transport> over, std::shared_ptr<context_state> with, std::string host,
                 std::string shown)
    : under_(std::move(over)), engine_(std::move(with), std::move(host), shown), shown_(std::move(shown)) {}

std::string session::peer() const { return shown_.empty() ? under_->peer() : shown_; }

error session::failed_with(std::error_code code, const char* call, const char* detail) const {
  return {code, call, peer() + detail};
}

void session::check_open(const char* call) const {
  if (!is_open_) error(std::make_error_code(std::errc::bad_file_descriptor), call).rethrow();
  if (broken_) broken_->rethrow();
}

// The engine has failed: sends the alert that it has made of that, so that the peer knows, and throws.
task<> session::give_up(const char* call) {
  error why = engine_.why(call, peer());
  broken_ = why;
  if (engine_.has_output()) {
    auto sending = as_result(with_timeout(send(), engine_.with().close_within));
    const result<void> sent = co_await std::move(sending);
    if (!sent && !sent.error().is_requested_cancellation()) why.suppress(sent.error());
  }
  why.rethrow();
}

// Sends all that the engine has made. What is not sent when it fails or is stopped stays there.
task<> session::send() {
  const mutex::scoped_lock turn = co_await sending_.lock();
  std::optional<error> failed;
  while (!failed && engine_.has_output()) {
    const std::span<const char> bytes = engine_.output();
    try {
      co_await under_->write_all(bytes);
      engine_.sent(bytes.size());
    } catch (...) {
      failed = error::current();
    }
  }
  if (!failed) co_return;
  engine_.sent(failed->transferred());
  failed->set_transferred(0);  // of the caller's bytes
  failed->rethrow();
}

// Receives once from the stream below, or waits until somebody else has.
task<> session::receive(const char* call) {
  const std::size_t seen = receptions_;
  const mutex::scoped_lock turn = co_await receiving_.lock();
  if (receptions_ != seen) co_return;
  if (engine_.has_output() && (!sending_.is_locked() || engine_.output_size() > most_output)) co_await send();
  if (at_end_) failed_with(errc::truncated, call).rethrow();
  const std::size_t got = co_await under_->read_some(engine_.room());
  engine_.received(got);
  at_end_ = got == 0;
  ++receptions_;
}

task<> session::shake_hands(const char* call) {
  for (;;) {
    switch (engine_.shake_hands()) {
      case outcome::done: co_await send(); co_return;
      case outcome::wants_input: co_await receive(call); break;
      case outcome::ended: failed_with(errc::truncated, call, " (during the handshake)").rethrow();
      case outcome::failed: co_await give_up(call);
    }
  }
}

// Reads until there are `least` bytes, or the end has come.
task<std::size_t> session::read(writable_bytes to, std::size_t least, const char* call) {
  const one_at_a_time alone(reads_, one_read);
  check_open(call);
  std::size_t done = 0;
  std::optional<error> failed;
  try {
    while (done < least) {
      if (broken_) broken_->rethrow();  // by the writer
      if (engine_.wants_input()) {
        co_await receive(call);
        continue;
      }
      const engine::step got = engine_.decrypt(static_cast<char*>(to.data()) + done, to.size() - done);
      done += got.bytes;
      if (got.how == outcome::ended) break;
      if (got.how == outcome::failed) co_await give_up(call);
      if (got.how == outcome::wants_input) co_await receive(call);
    }
  } catch (...) {
    failed = error::current();
  }
  if (!failed) co_return done;
  failed->set_transferred(done);
  failed->rethrow();
}

task<std::size_t> session::read_some(writable_bytes to) {
  return read(to, std::min<std::size_t>(1, to.size()), "tls::stream::read_some");
}

task<> session::read_exactly(writable_bytes to) {
  constexpr const char* call = "tls::stream::read_exactly";
  const std::size_t got = co_await read(to, to.size(), call);
  if (got == to.size()) co_return;
  error early = failed_with(braid::errc::end_of_stream, call);
  early.set_transferred(got);
  early.rethrow();
}

// Encrypts and sends at least `least` bytes, whole records. What is encrypted is in the engine, to be sent
// even if this fails.
task<> session::write(readable_bytes from, std::size_t least, const char* call, std::size_t* written) {
  const one_at_a_time alone(writes_, one_write);
  check_open(call);
  std::size_t done = 0;
  std::optional<error> failed;
  try {
    while (done < least) {
      if (broken_) broken_->rethrow();  // by the reader
      if (sends_no_more_) failed_with(std::make_error_code(std::errc::broken_pipe), call).rethrow();
      if (engine_.has_output()) co_await send();  // what an earlier write has left
      const engine::step taken =
          engine_.encrypt(static_cast<const char*>(from.data()) + done, from.size() - done);
      done += taken.bytes;
      if (taken.how == outcome::failed) co_await give_up(call);
      if (taken.how == outcome::wants_input) co_await receive(call);
      if (taken.how == outcome::done) co_await send();
    }
  } catch (...) {
    failed = error::current();
  }
  if (written != nullptr) *written = done;
  if (!failed) co_return;
  failed->set_transferred(done);
  failed->rethrow();
}

task<std::size_t> session::write_some(readable_bytes from) {
  std::size_t written = 0;
  co_await write(from, std::min<std::size_t>(1, from.size()), "tls::stream::write_some", &written);
  co_return written;
}

task<> session::write_all(readable_bytes from) {
  return write(from, from.size(), "tls::stream::write_all", nullptr);
}

task<> session::end_sending(const char* call) {
  if (!std::exchange(sends_no_more_, true) && engine_.end_sending() == outcome::failed)
    co_await give_up(call);
  co_await send();
  has_parted_ = true;
  co_await under_->shutdown_send();
}

task<> session::shutdown_send() {
  constexpr const char* call = "tls::stream::shutdown_send";
  const one_at_a_time alone(writes_, one_write);
  check_open(call);
  co_await end_sending(call);
}

// Sends what is left and the close_notify; then drops what comes, until the peer's.
task<> session::part() {
  constexpr const char* call = "tls::stream::close";
  co_await end_sending(call);
  std::vector<char> dropped(4096);
  while (!at_end_ && !engine_.has_ended()) {
    outcome how = outcome::wants_input;
    if (!reads_) how = engine_.decrypt(dropped.data(), dropped.size()).how;
    if (how == outcome::wants_input) co_await receive(call);
    if (how == outcome::failed) co_return;
  }
}

task<> session::close() {
  constexpr const char* call = "tls::stream::close";
  if (!std::exchange(is_open_, false)) co_return;
  std::optional<error> failed;
  if (!broken_) {
    const bool owes = engine_.has_output();  // bytes that an earlier write has left
    auto parting = as_result(with_timeout(part(), engine_.with().close_within));
    const result<void> parted = co_await std::move(parting);
    // A peer that has said its last word may be gone.
    const bool matters = owes || !engine_.has_ended();
    if (!parted && !has_parted_ && matters) {
      failed = parted.error();
      if (failed->code().category() == timeout_category()) failed = failed_with(failed->code(), call);
    }
  }
  auto closing = as_result(shield(under_->close()));
  const result<void> closed = co_await std::move(closing);
  if (!failed && !closed) failed = closed.error();
  if (failed) failed->rethrow();
}

task<> session::abort() {
  if (std::exchange(is_open_, false)) co_await shield(under_->abort());
}

}  // namespace braid::tls::detail

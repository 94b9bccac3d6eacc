// How a client's calls travel: over one connection at a time, which is made when one wants it.

#include <algorithm>
#include <array>
#include <utility>

#include "braid/combine/when_any_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "client_core.hpp"
#include "error_reply.hpp"

namespace braid::redis::detail {

namespace {

constexpr std::size_t most_at_once = 64 << 10;  // bytes of one write

// Is it the end of the loop, or of the client?
bool is_end(const error& why) noexcept { return why == std::errc::operation_canceled; }

}  // namespace

task<> client_core::run(std::shared_ptr<client_core> self) {
  const ended_run at_the_end(*self);
  const stop_token stop = co_await get_stop_token();
  const retry_policy& policy = self->how_->options.reconnect;
  std::uint64_t random = braid::detail::seed_of(policy);
  int failures = 0;
  while (self->is_wanted()) {
    auto serving = as_result(self->connect_and_serve());
    const result<void> ended = co_await std::move(serving);
    const error why = ended ? error(errc::client_closed) : ended.error();
    failures = self->has_served_ ? 0 : failures + 1;
    self->settle(why);
    if (stop.stop_requested() || is_end(why)) break;
    if (failures == 0 || !self->is_wanted()) continue;  // at once, after a connection that was good
    auto pausing = as_result(sleep_for(braid::detail::pause_after(failures, policy, random)));
    const result<void> paused = co_await std::move(pausing);
    if (!paused) break;
  }
}

task<> client_core::connect_and_serve() {
  has_served_ = false;
  try {
    auto opening = with_timeout(server_link::open(how_), how_->options.connect);
    at_ = co_await std::move(opening);
  } catch (...) {
    last_failure_ = error::current();
    throw;
  }
  ++connections_;
  was_connected_ = true;
  last_failure_.reset();
  co_await serve();
}

// Until the connection has failed, or is to be closed.
task<> client_core::serve() {
  patience_ = loop_clock::duration::zero();
  pings_ = false;
  is_demoted_ = false;
  auto all = when_any_settled(receive_replies(), send_commands(), watch_link());
  auto [first, results] = co_await std::move(all);
  const std::array<result<void>*, 3> each{&std::get<0>(results), &std::get<1>(results),
                                          &std::get<2>(results)};
  each[first]->value();  // none of them ends without an error
}

// The connection is gone. What was sent is in doubt; what was not sent waits on, and so does what may be sent
// again. The reply that could not be read would be the same the next time.
void client_core::settle(const error& why) noexcept {
  at_.reset();
  out_.clear();
  large_.reset();
  large_size_ = 0;
  if (!last_failure_) last_failure_ = why;
  const bool gives_up = stopped_ || is_over() || is_final(why) || is_end(why);
  const bool is_malformed = why == errc::malformed_reply;
  while (!owed_.empty()) {
    pending_call* const one = owed_.back().whose;
    const bool of_front = owed_.size() == 1;
    const bool again = one != nullptr && !gives_up && one->is_idempotent() && !(is_malformed && of_front);
    if (again) one->place = std::move(owed_.back().place);
    owed_.pop_back();
    if (one == nullptr) continue;
    one->owed = false;
    if (again) {
      one->received = 0;
      waiting_.push_front(*one);
      continue;
    }
    std::error_code code = errc::reply_lost;
    if (stopped_)
      code = errc::client_closed;
    else if (is_malformed && of_front)
      code = errc::malformed_reply;
    else if (is_end(why))
      code = why.code();
    fail(*one, code, stopped_ ? nullptr : &why);
  }
  emptied_.set();
  if (stopped_)
    fail_waiting(errc::client_closed, nullptr);
  else if (is_final(why) || is_end(why))
    fail_waiting(why.code(), &why);
  else if (is_over())
    fail_waiting(errc::no_connection, &why);
}

// ---- replies --------------------------------------------------------------------------------------------

task<> client_core::receive_replies() {
  for (;;) {
    co_await at_->receive();
    last_life_ = loop_clock::now();
    while (std::optional<value> reply = at_->replies.next()) take(*std::move(reply));
  }
}

void client_core::take(value&& reply) {
  if (owed_.empty())
    error(make_error_code(errc::malformed_reply), "redis::client", "a reply that nobody has asked for")
        .rethrow();
  has_served_ = true;
  owed_replies& next = owed_.front();
  pending_call* const whose = next.whose;
  if (how_->wants_master && reply.is_error() && code_of_reply(reply.text()) == errc::read_only)
    is_demoted_ = true;
  if (whose != nullptr) whose->replies[whose->received++] = std::move(reply);
  if (--next.left != 0) return;
  owed_.pop_front();
  ++first_owed_;
  if (owed_.empty()) {
    patience_ = loop_clock::duration::zero();
    emptied_.set();
  }
  if (whose != nullptr) {
    whose->owed = false;
    whose->done.set();
  }
  // The sentinels know the new one.
  if (is_demoted_ && owed_.empty())
    error(make_error_code(errc::read_only), "redis::client", how_->where.to_string()).rethrow();
}

// ---- commands -------------------------------------------------------------------------------------------

task<> client_core::send_commands() {
  for (;;) {
    const bool any = gather();
    if (!any) {
      co_await to_send_.wait();
      continue;
    }
    if (!out_.empty()) co_await at_->stream.write_all(out_);
    for (std::size_t at = 0; at < large_size_; at += most_at_once) {
      const std::size_t size = std::min(most_at_once, large_size_ - at);
      co_await at_->stream.write_all(std::string_view(large_.get() + at, size));
      last_life_ = loop_clock::now();  // the peer takes it
    }
    large_.reset();
    large_size_ = 0;
  }
}

// Moves what fits into one write from waiting_ to owed_. False if there is nothing.
bool client_core::gather() {
  out_.clear();
  if (out_.capacity() > 4 * most_at_once) out_.shrink_to_fit();
  if (std::exchange(pings_, false)) {
    static const request ping("PING");
    out_ += ping.bytes();
    owe(nullptr, 1, std::nullopt);
  }
  while (!waiting_.empty() && !is_demoted_ && out_.size() < most_at_once && large_ == nullptr) {
    pending_call& next = waiting_.front();
    const bool is_large = next.commands.size() == 1 && next.commands.front().bytes().size() > most_at_once;
    if (!is_large)
      for (const request& each : next.commands) out_ += each.bytes();
    owe(&next, next.commands.size(), std::move(next.place));
    waiting_.pop_front();
    next.place.reset();
    next.room.reset();
    next.owed = true;
    next.number = first_owed_ + owed_.size() - 1;
    note_effects(next);
    for (const request& each : next.commands)
      patience_ = std::max(patience_, each.within().value_or(loop_clock::duration::zero()));
    if (!is_large) continue;
    large_ = next.commands.front().shared_bytes();
    large_size_ = next.commands.front().bytes().size();
  }
  return !out_.empty() || large_ != nullptr;
}

void client_core::note_effects(const pending_call& of) noexcept {
  for (const request& each : of.commands) {
    if (each.its_effect() == effect::watches) watches_ = true;
    if (each.its_effect() == effect::unwatches) watches_ = false;
    if (each.its_effect() == effect::on_state) state_changed_ = true;
  }
}

void client_core::owe(pending_call* whose, std::size_t replies, std::optional<semaphore::permit> place) {
  const bool was_quiet = owed_.empty();
  owed_.push_back({whose, replies, std::move(place)});
  if (!was_quiet) return;
  last_life_ = loop_clock::now();
  to_watch_.set();
}

// ---- is the server there? -------------------------------------------------------------------------------

task<> client_core::watch_link() {
  const loop_clock::duration silence = how_->options.silence;
  std::optional<loop_clock::time_point> asked;  // by a PING; what came since answers it
  for (;;) {
    if (owed_.empty()) {
      co_await to_watch_.wait();
      continue;
    }
    if (asked && last_life_ > *asked) asked.reset();
    const auto from = asked ? *asked : last_life_;
    const auto due = loop_clock::later_than(from, std::max(silence, patience_));
    if (loop_clock::now() < due) {
      co_await sleep_until(due);
      continue;
    }
    if (asked)
      error(make_error_code(errc::silent_server), "redis::client", how_->where.to_string()).rethrow();
    asked = loop_clock::now();
    pings_ = true;
    to_send_.set();
  }
}

}  // namespace braid::redis::detail

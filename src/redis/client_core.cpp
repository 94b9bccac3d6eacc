#include "client_core.hpp"

#include <algorithm>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "error_reply.hpp"

namespace braid::redis::detail {

pending_call::pending_call(client_core& its_core, std::span<const request> its_commands,
                           value* its_replies) noexcept
    : core(its_core), commands(its_commands), replies(its_replies) {}
pending_call::~pending_call() {
  if (linked()) unlink();
  if (owed) core.abandon(*this);
}

bool pending_call::is_idempotent() const noexcept {
  return std::all_of(commands.begin(), commands.end(),
                     [](const request& each) { return each.is_idempotent(); });
}

client_core::client_core(std::shared_ptr<settings> how, bool is_shared)
    : how_(std::move(how)),
      is_shared_(is_shared),
      places_(how_->options.commands),
      bytes_(how_->options.waiting_bytes),
      run_ended_(true) {}
client_core::~client_core() = default;

// ---- errors ---------------------------------------------------------------------------------------------

error client_core::failure(std::error_code why, const pending_call& of, const error* since) const {
  std::string what = of.commands.front().name();
  if (of.commands.size() > 1) what += " and " + std::to_string(of.commands.size() - 1) + " more";
  what += " at " + how_->where.to_string();
  if (since != nullptr) what += " (" + since->message() + ")";
  error made(why, "redis::client", std::move(what));
  if (since == nullptr) return made;
  made.suppress(*since);
  made.set_requested(true);  // where it is a cancellation: by the end of the loop
  return made;
}

// The error of a call that failed with `why` while it waited.
error client_core::failure_of(const pending_call& mine, const error& why) const {
  if (mine.failed) return *mine.failed;
  if (why == braid::errc::semaphore_closed) return failure(errc::client_closed, mine, nullptr);
  if (why.code().category() != timeout_category()) return why;
  if (mine.owed) return failure(errc::reply_late, mine, nullptr);
  return failure(errc::not_sent, mine, at_ == nullptr && last_failure_ ? &*last_failure_ : nullptr);
}

void client_core::fail(pending_call& one, std::error_code why, const error* since) noexcept {
  try {
    one.failed = failure(why, one, since);
  } catch (const std::bad_alloc&) {
    one.failed = error(why);
  }
  one.done.set();
}

void client_core::fail_waiting(std::error_code why, const error* since) noexcept {
  while (!waiting_.empty()) fail(waiting_.pop_front(), why, since);
}

// ---- the calls ------------------------------------------------------------------------------------------

task<value> client_core::command(std::shared_ptr<client_core> self, request one) {
  value got;
  pending_call mine(*self, std::span(&one, 1), &got);
  co_await perform(self, mine);
  if (got.is_error()) error_of_reply(got.text(), "redis::client", one.name()).rethrow();
  co_return got;
}

task<std::vector<result<value>>> client_core::pipeline(std::shared_ptr<client_core> self,
                                                       std::vector<request> all) {
  std::vector<result<value>> results;
  if (all.empty()) co_return results;
  std::vector<value> replies(all.size());
  results.reserve(all.size());
  pending_call mine(*self, all, replies.data());
  auto performing = as_result(perform(self, mine));
  const result<void> ended = co_await std::move(performing);
  // Without a single reply the call itself fails; else each command has its own result.
  if (!ended && (mine.received == 0 || ended.error().is_requested_cancellation())) ended.error().rethrow();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i >= mine.received)
      results.emplace_back(ended.error());
    else if (replies[i].is_error())
      results.emplace_back(error_of_reply(replies[i].text(), "redis::client", all[i].name()));
    else
      results.emplace_back(std::move(replies[i]));
  }
  co_return results;
}

task<> client_core::perform(std::shared_ptr<client_core> self, pending_call& mine) {
  const counted_call running(*self);
  loop_clock::duration time = loop_clock::duration::zero();
  for (const request& each : mine.commands)
    time = std::max(time, each.within().value_or(self->how_->options.command));
  auto waiting = as_result(with_timeout(self->wait_for(mine), time));
  const result<void> ended = co_await std::move(waiting);
  const bool is_whole = mine.received == mine.commands.size();  // perhaps in spite of a stop request
  if (!ended && !is_whole) self->failure_of(mine, ended.error()).rethrow();
}

// Throws if it cannot be sent.
void client_core::check(const pending_call& mine) const {
  for (const request& each : mine.commands) {
    const effect is = each.its_effect();
    const bool is_own =
        mine.is_transaction && (&each == &mine.commands.front() || &each == &mine.commands.back());
    const bool may =
        is_own || is == effect::none || (is < effect::on_protocol && !is_shared_ && !mine.is_transaction);
    if (may) continue;
    std::string what = each.name();
    if (is < effect::on_protocol)
      what += mine.is_transaction ? " in a transaction" : " on a shared connection";
    error(std::make_error_code(std::errc::operation_not_supported), "redis::client", std::move(what))
        .rethrow();
  }
  if (closed_) failure(errc::client_closed, mine, nullptr).rethrow();
  if (is_over()) failure(errc::no_connection, mine, last_failure_ ? &*last_failure_ : nullptr).rethrow();
}

task<> client_core::wait_for(pending_call& mine) {
  check(mine);
  std::size_t size = 0;
  for (const request& each : mine.commands) size += each.bytes().size();
  const std::size_t commands = std::min(mine.commands.size(), how_->options.commands);
  const std::size_t bytes = std::min(size, how_->options.waiting_bytes);
  mine.place = places_.try_acquire(commands);
  if (mine.place) mine.room = bytes_.try_acquire(bytes);
  if (!mine.room) {
    if (how_->options.when_full == when_full::refuse)
      failure(errc::too_many_commands, mine, nullptr).rethrow();
    if (!mine.place) mine.place = co_await places_.acquire(commands);
    mine.room = co_await bytes_.acquire(bytes);
  }
  waiting_.push_back(mine);
  start_running();
  to_send_.set();
  co_await mine.done.wait();
  if (mine.failed) mine.failed->rethrow();
}

void client_core::abandon(pending_call& one) noexcept {
  one.owed = false;
  owed_[static_cast<std::size_t>(one.number - first_owed_)].whose = nullptr;
}

// ---- beginning and end ----------------------------------------------------------------------------------

client_core::counted_call::counted_call(client_core& of) noexcept : of_(of) { ++of_.calls_; }
client_core::counted_call::~counted_call() {
  if (--of_.calls_ == 0) of_.emptied_.set();
}

void client_core::start_running() {
  if (runs_) return;
  runs_ = true;
  run_ended_.reset();
  try {
    running_.emplace(spawn(run(shared_from_this())));
  } catch (...) {
    on_run_ended();
    throw;
  }
}

// Also called if its loop has ended, and has destroyed it.
void client_core::on_run_ended() noexcept {
  for (owed_replies& each : owed_)
    if (each.whose != nullptr) each.whose->owed = false;
  owed_.clear();
  at_.reset();
  running_.reset();  // the frame of run() may own this, which must not then own what runs it
  runs_ = false;
  run_ended_.set();
}

void client_core::stop() noexcept {
  closed_ = true;
  if (std::exchange(stopped_, true)) return;
  fail_waiting(errc::client_closed, nullptr);
  places_.close();
  bytes_.close();
  if (running_ && runs_) running_->request_stop();
}

task<> client_core::close(std::shared_ptr<client_core> self) {
  self->closed_ = true;
  while (!self->stopped_ && (self->calls_ != 0 || !self->owed_.empty())) {
    self->emptied_.reset();
    co_await self->emptied_.wait();
  }
  self->stop();
  auto ending = shield(self->run_ended_.wait());
  co_await std::move(ending);
}

}  // namespace braid::redis::detail

#include "braid/redis/subscription.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "braid/combine/when_any_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/spawn.hpp"
#include "error_reply.hpp"
#include "subscription_core.hpp"

namespace braid::redis {

namespace detail {

namespace {

std::vector<std::string> words_of(const char* command, const std::vector<std::string>& names) {
  std::vector<std::string> words{command};
  words.insert(words.end(), names.begin(), names.end());
  return words;
}

}  // namespace

subscription_core::subscription_core(std::shared_ptr<settings> how, topics wanted)
    : how_(std::move(how)), wanted_(std::move(wanted)), arrived_(std::max<std::size_t>(wanted_.ahead, 1)) {
  if (wanted_.channels.empty() && wanted_.patterns.empty())
    invalid_argument_error("redis::subscribe", "no channel and no pattern").rethrow();
}

task<redis::subscription> subscription_core::open(std::shared_ptr<settings> how, topics wanted) {
  auto core = std::make_shared<subscription_core>(how, std::move(wanted));
  redis::subscription made(core);  // stops it on failure
  core->runs_ = true;
  core->down_since_ = loop_clock::now();
  core->running_.emplace(spawn(run(core)));
  auto waiting = as_result(with_timeout(core->settled_.wait(), how->options.command));
  const result<void> ended = co_await std::move(waiting);
  if (!ended && ended.error().code().category() == timeout_category()) {
    error late(make_error_code(errc::not_sent), "redis::subscribe", how->where.to_string());
    if (core->last_failure_) late.suppress(*core->last_failure_);
    late.rethrow();
  }
  if (!ended) ended.error().rethrow();
  if (!core->was_subscribed_) core->last_failure_->rethrow();
  co_return made;
}

task<std::optional<message>> subscription_core::next(std::shared_ptr<subscription_core> self) {
  std::optional<result<message>> one = co_await self->arrived_.receive();
  if (!one) co_return std::nullopt;
  co_return std::move(*one).value();
}

void subscription_core::close() noexcept {
  if (!std::exchange(is_ended_, true)) arrived_.close();
  if (running_ && runs_) running_->request_stop();
}
void subscription_core::end(const error& why) noexcept {
  if (!std::exchange(is_ended_, true)) arrived_.close(why);
}

task<> subscription_core::run(std::shared_ptr<subscription_core> self) {
  const ended_run at_the_end(*self);
  const stop_token stop = co_await get_stop_token();
  const retry_policy& policy = self->how_->options.reconnect;
  std::uint64_t random = braid::detail::seed_of(policy);
  int failures = 0;
  while (!stop.stop_requested()) {
    auto listening = as_result(self->connect_and_listen());
    const result<void> ended = co_await std::move(listening);
    self->at_.reset();
    failures = self->is_subscribed_ ? 1 : failures + 1;
    if (std::exchange(self->is_subscribed_, false)) self->down_since_ = loop_clock::now();
    if (ended || stop.stop_requested() || ended.error() == std::errc::operation_canceled) break;
    self->last_failure_ = ended.error();
    if (is_final(ended.error())) {
      self->end(ended.error());
      break;
    }
    self->report(ended.error());
    auto pausing = as_result(sleep_for(braid::detail::pause_after(failures, policy, random)));
    const result<void> paused = co_await std::move(pausing);
    if (!paused) break;
  }
}

// Also called if its loop has ended, and has destroyed it.
void subscription_core::on_run_ended() noexcept {
  at_.reset();
  is_subscribed_ = false;
  running_.reset();  // the frame of run() may own this, which must not then own what runs it
  runs_ = false;
  error loop_ended(std::make_error_code(std::errc::operation_canceled), "redis::subscription");
  loop_ended.set_requested(true);
  if (!last_failure_) last_failure_ = loop_ended;
  end(loop_ended);
  settled_.set();
}

// Tells a reader that waits that the server has been down for long.
void subscription_core::report(const error& why) {
  const auto now = loop_clock::now();
  if (!was_subscribed_ || now - down_since_ < how_->options.command || arrived_.size() != 0) return;
  error down(make_error_code(errc::no_connection), "redis::subscription", how_->where.to_string());
  down.suppress(why);
  if (arrived_.try_send(result<message>(std::move(down)))) down_since_ = now;
}

task<> subscription_core::connect_and_listen() {
  auto opening = with_timeout(server_link::open(how_), how_->options.connect);
  at_ = co_await std::move(opening);
  last_life_ = loop_clock::now();
  has_asked_ = false;
  unconfirmed_ = wanted_.channels.size() + wanted_.patterns.size();
  auto all = when_any_settled(receive_messages(), watch_link());
  auto [first, results] = co_await std::move(all);
  (first == 0 ? std::get<0>(results) : std::get<1>(results)).value();
}

task<> subscription_core::receive_messages() {
  if (!wanted_.channels.empty()) {
    const request one = request::of(words_of("SUBSCRIBE", wanted_.channels));
    co_await at_->stream.write_all(one.bytes());
  }
  if (!wanted_.patterns.empty()) {
    const request one = request::of(words_of("PSUBSCRIBE", wanted_.patterns));
    co_await at_->stream.write_all(one.bytes());
  }
  has_asked_ = true;
  for (;;) {
    co_await at_->receive();
    last_life_ = loop_clock::now();
    for (bool more = true; more;) {
      std::optional<value> reply = at_->replies.next();
      more = reply.has_value();
      if (more) co_await take(*std::move(reply));
    }
  }
}

task<> subscription_core::take(value reply) {
  if (reply.is_error()) error_of_reply(reply.text(), "redis::client", "SUBSCRIBE").rethrow();
  if (reply.its_kind() == value::kind::status) co_return;  // the PONG of a PING before the first channel
  std::vector<value> parts = std::move(reply).array();
  const std::string kind = parts.empty() ? std::string() : parts[0].text();
  message one;
  if (kind == "message" && parts.size() == 3) {
    one.channel = std::move(parts[1]).text();
    one.text = std::move(parts[2]).text();
  } else if (kind == "pmessage" && parts.size() == 4) {
    one.pattern = std::move(parts[1]).text();
    one.channel = std::move(parts[2]).text();
    one.text = std::move(parts[3]).text();
  } else if (kind == "subscribe" || kind == "psubscribe") {
    if (unconfirmed_ == 0 || --unconfirmed_ != 0) co_return;
    is_subscribed_ = true;
    settled_.set();
    if (!std::exchange(was_subscribed_, true)) co_return;
    one.is_gap = true;
  } else {
    co_return;  // "pong"
  }
  is_held_up_ = true;
  auto sending = as_result(arrived_.send(result<message>(std::move(one))));
  const result<void> sent = co_await std::move(sending);
  is_held_up_ = false;
  last_life_ = loop_clock::now();
  if (!sent) sent.error().rethrow();
}

task<> subscription_core::watch_link() {
  const loop_clock::duration silence = how_->options.silence;
  std::optional<loop_clock::time_point> asked;
  for (;;) {
    if (is_held_up_) last_life_ = loop_clock::now();  // it is the reader that lets wait
    if (asked && last_life_ > *asked) asked.reset();
    const auto due = loop_clock::later_than(asked ? *asked : last_life_, silence);
    if (loop_clock::now() < due) {
      co_await sleep_until(due);
      continue;
    }
    if (asked || !has_asked_)
      error(make_error_code(errc::silent_server), "redis::client", how_->where.to_string()).rethrow();
    asked = loop_clock::now();
    const request ping("PING");
    auto asking = with_timeout(at_->stream.write_all(ping.bytes()), silence);
    co_await std::move(asking);
  }
}

}  // namespace detail

subscription::~subscription() {
  if (core_) core_->close();
}
task<std::optional<message>> subscription::next() { return detail::subscription_core::next(core_); }
void subscription::close() noexcept { core_->close(); }
bool subscription::is_connected() const noexcept { return core_->is_connected(); }

}  // namespace braid::redis

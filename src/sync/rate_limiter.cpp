#include "braid/sync/rate_limiter.hpp"

#include <algorithm>
#include <stdexcept>

#include "braid/loop/loop.hpp"

namespace braid {

namespace detail {

token_bucket::token_bucket(token_rate rate, std::size_t burst)
    : burst_(burst),
      parts_each_nanosecond_(rate.tokens),
      part_count_(static_cast<std::size_t>(rate.period.count())),
      level_(parts_of(burst)) {
  if (rate.tokens == 0 || rate.period <= loop_clock::duration::zero() || burst == 0)
    throw std::invalid_argument("rate_limiter: the rate, its period and the burst must be positive");
}

void token_bucket::refill() noexcept {
  const loop_clock::time_point now = loop_clock::now();
  if (now > refilled_at_) {
    const auto passed = static_cast<std::size_t>((now - refilled_at_).count());
    level_ += parts{passed} * parts_each_nanosecond_;
  }
  refilled_at_ = now;
  if (!waited_for_) level_ = std::min(parts_of(burst_), level_);
}

bool token_bucket::take(std::size_t n) noexcept {
  refill();
  if (level_ < parts_of(n)) return false;
  level_ -= parts_of(n);
  return true;
}

void token_bucket::put_back(std::size_t n) noexcept {
  level_ += parts_of(n);
  refill();
}

std::size_t token_bucket::available() noexcept {
  refill();
  return static_cast<std::size_t>(std::min(parts_of(burst_), level_) / part_count_);
}

loop_clock::time_point token_bucket::available_at(std::size_t n) noexcept {
  refill();
  if (level_ >= parts_of(n)) return refilled_at_;
  const parts wait = (parts_of(n) - level_ + parts_each_nanosecond_ - 1) / parts_each_nanosecond_;
  const auto longest = static_cast<parts>(loop_clock::duration::max().count());
  return loop_clock::later_than(refilled_at_,
                                loop_clock::duration(static_cast<loop_clock::rep>(std::min(wait, longest))));
}

bool token_bucket::is_full() noexcept {
  refill();
  return level_ >= parts_of(burst_);
}

void refill_timer::set(loop_clock::time_point when) noexcept {
  if (queued_) {
    if (deadline() != when) home_->operations().move(*this, when);
  } else if (!in_flight()) {  // else on_end sets it
    queued_ = true;
    home_ = &loop::current();
    home_->operations().add(*this, when);
  }
}

void refill_timer::cancel() noexcept {
  if (!queued_) return;
  queued_ = false;
  home_->operations().cancel(*this);
}

void refill_timer::on_end(operation_base& base, completion) noexcept {
  auto& self = static_cast<refill_timer&>(static_cast<timer_base&>(base));
  self.queued_ = false;
  if (self.of_ == nullptr)
    delete &self;
  else if (!self.home_->operations().ending())  // else the loop destroys the waiters
    self.of_->hand_over();
}

void refill_timer::let_go() noexcept {
  if (!in_flight()) {
    delete this;
    return;
  }
  of_ = nullptr;
  cancel();
}

}  // namespace detail

error rate_limiter::too_many(const char* call) noexcept {
  return invalid_argument_error(call, "so many tokens are more than the burst, and never there");
}

bool rate_limiter::try_acquire(std::size_t n) {
  if (n > bucket_.burst()) too_many("rate_limiter::try_acquire").rethrow();
  return take(n);
}

void rate_limiter::hand_over() noexcept {
  while (!waiters_.empty() && bucket_.take(first_need())) waiters_.pop_front().hand_over();
  set_timer();
}

void rate_limiter::set_timer() noexcept {
  bucket_.note_waited_for(!waiters_.empty());
  if (waiters_.empty())
    timer_->cancel();
  else
    timer_->set(bucket_.available_at(first_need()));
}

}  // namespace braid

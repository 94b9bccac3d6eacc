#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/combine/retry_budget.hpp"
#include "braid/combine/retry_policy.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/schedule/sleep.hpp"

namespace braid::detail {

struct ignore_failed_attempt {
  void operator()(const failed_attempt&) const noexcept {}
};

// Attempts and pauses alternate. Every pause goes through the loop, so that attempts do not nest and the
// stack stays constant.
template <class F, class Worth, class Observe, class R>
class retry_state final
    : public finishes_at_home_with<retry_state<F, Worth, Observe, R>, value_of<std::invoke_result_t<F&>>> {
  using attempt_sender = std::invoke_result_t<F&>;
  using value_type = value_of<attempt_sender>;

 public:
  retry_state(const retry_policy& policy, F make, Worth worth, Observe observe, R receiver)
      : policy_(policy),
        make_(std::move(make)),
        worth_(std::move(worth)),
        observe_(std::move(observe)),
        receiver_(std::move(receiver)) {}

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) return end(no_loop_error("retry"));
    if (policy_.attempts < 1) return end(invalid_argument_error("retry", "the policy has no attempts"));
    random_ = seed_of(policy_);
    if (policy_.budget != nullptr) policy_.budget->note_request();
    attempt();
  }

  // For an attempt.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  void on_finish(result<value_type>&& with) noexcept {
    if (with) return end(std::move(with));
    failed(std::move(with).error());
  }

 private:
  using attempt_receiver = inner_receiver<retry_state, value_type>;
  struct pause_receiver : inner_receiver<retry_state, void> {
    void finish(result<void> paused) && noexcept { this->owner->paused(paused.has_value()); }
  };
  using sleep_sender = decltype(sleep_for(loop_clock::duration()));

  void attempt() noexcept {
    if (receiver_.get_stop_token().stop_requested()) return end(std::move(errors_).canceled());
    ++number_;
    try {
      attempt_.emplace(elided{[this] { return connect(make_(), attempt_receiver{this}); }});
    } catch (...) {
      return failed(error::current());
    }
    attempt_->start();
  }

  void failed(error why) noexcept {
    attempt_.reset();
    const bool stopping = receiver_.get_stop_token().stop_requested();
    std::optional<loop_clock::duration> pause;
    try {
      if (!stopping && number_ < policy_.attempts && worth_(std::as_const(why)) && is_in_budget())
        pause = pause_after(number_, policy_, random_);
      observe_(failed_attempt{number_, why, pause});
    } catch (...) {
      return end(error::current());
    }
    errors_.add(std::move(why));
    if (!pause) return end(std::move(errors_).last());
    pause_.emplace(elided{[&] { return connect(sleep_for(*pause), pause_receiver{{this}}); }});
    pause_->start();
  }
  [[nodiscard]] bool is_in_budget() noexcept {
    return policy_.budget == nullptr || policy_.budget->try_retry();
  }
  void paused(bool to_its_end) noexcept {
    pause_.reset();
    if (!to_its_end) return end(std::move(errors_).canceled());
    attempt();
  }

  void end(result<value_type> with) noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(std::move(with));
  }

  const retry_policy policy_;
  F make_;
  [[no_unique_address]] Worth worth_;
  [[no_unique_address]] Observe observe_;
  R receiver_;
  loop* home_ = nullptr;
  std::uint64_t random_ = 0;
  int number_ = 0;
  attempt_errors errors_;
  std::optional<connected<attempt_sender, attempt_receiver>> attempt_;
  std::optional<connected<sleep_sender, pause_receiver>> pause_;
};

}  // namespace braid::detail

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/join_base.hpp"
#include "braid/combine/detail/join_child.hpp"
#include "braid/combine/detail/join_failures.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/schedule/sleep.hpp"

namespace braid::detail {

// A join that starts its attempts one after the other: when a wait ends, or when an attempt fails.
template <class F, std::size_t Attempts, class R>
class hedge_state final : public join_base {
  struct make_attempt {
    F* make;
    auto operator()() const { return (*make)(); }
  };
  using attempt = join_child<hedge_state, defer_sender<make_attempt>>;
  using value_type = value_of<std::invoke_result_t<F&>>;

 public:
  hedge_state(F make, loop_clock::duration after, R receiver)
      : hedge_state(std::move(make), after, std::move(receiver), std::make_index_sequence<Attempts>()) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  void start() noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error("hedge"));
    start_next();
    if (more_to_start()) wait_until(next_start_);
    release();
  }

  // For an attempt.
  void on_finish(result<value_type>& ended, std::size_t index) noexcept {
    ++ended_;
    if (winner_ != none) {
      if (!ended && ended.error().of_clean_up()) failures_.add(std::move(ended).error());
      return;
    }
    if (ended) {
      winner_ = index;
      failures_.clear();
      return stop_children(stop_reason::not_needed);
    }
    failures_.add(std::move(ended).error(), stopping());
    if (home()->ending())
      stop_children(stop_reason::requested);  // an attempt begun now would be cancelled, too
    if (more_to_start())
      start_next();
    else if (ended_ == started_) {
      all_failed_ = !stopping();
      stop_children(stop_reason::not_needed);  // ends the wait, if there is one
    }
  }
  // For the wait.
  void finish(result<void>&& waited) noexcept {
    wait_.reset();
    if (waited && more_to_start()) {
      if (loop_clock::now() >= next_start_) start_next();
      if (more_to_start()) wait_until(next_start_);
    }
    release();
  }

 private:
  using sleep_sender = decltype(sleep_until(loop_clock::time_point()));
  using wait_receiver = inner_receiver<hedge_state, void>;
  static constexpr std::size_t none = Attempts;

  template <std::size_t... I>
  hedge_state(F make, loop_clock::duration after, R receiver, std::index_sequence<I...>)
      : make_(std::move(make)),
        after_(after),
        receiver_(std::move(receiver)),
        attempts_{elided{[this] { return attempt(*this, I, {make_attempt{&make_}}); }}...} {}

  [[nodiscard]] bool more_to_start() const noexcept { return started_ < Attempts && !stopping(); }
  void start_next() noexcept {
    next_start_ = loop_clock::after(after_);
    attempts_[started_++].start();
  }

  // A failure starts the next attempt early and moves next_start_; the wait that ends too early begins again.
  void wait_until(loop_clock::time_point when) noexcept {
    hold();
    wait_.emplace(elided{[&] { return connect(sleep_until(when), wait_receiver{this}); }});
    wait_->start();
  }

  void complete() noexcept override {
    R receiver = std::move(receiver_);
    if (winner_ == none || failures_.any()) return std::move(receiver).finish(failure());
    result<value_type> won = std::move(attempts_[winner_].ended_result());
    std::move(receiver).finish(std::move(won));
  }

  // As first_ok: if stop was requested before all attempts had failed, another one might have succeeded.
  [[nodiscard]] error failure() noexcept {
    error first = std::move(failures_).first();
    if (all_failed_ || !stopping() || first == std::errc::operation_canceled || first.of_clean_up())
      return first;
    error stopped(std::make_error_code(std::errc::operation_canceled), "hedge");
    stopped.suppress(std::move(first));
    return stopped;
  }

  F make_;
  const loop_clock::duration after_;
  R receiver_;
  std::size_t started_ = 0;
  std::size_t ended_ = 0;
  std::size_t winner_ = none;
  bool all_failed_ = false;
  loop_clock::time_point next_start_{};
  join_failures failures_;
  std::array<attempt, Attempts> attempts_;
  std::optional<connected<sleep_sender, wait_receiver>> wait_;
};

template <class F, std::size_t Attempts>
struct hedge_sender {
  using sender_concept = sender_tag;
  using value_type = value_of<std::invoke_result_t<F&>>;
  F make;
  loop_clock::duration after;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return hedge_state<F, Attempts, R>(std::move(make), after, std::move(receiver));
  }
};

}  // namespace braid::detail

#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "braid/combine/detail/ahead_source.hpp"
#include "braid/combine/detail/ahead_turn.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

// The run of debounce and throttle. It asks its range until an element is ready to be taken; one more, which
// was asked for before, arrives when that is taken.
//
// Policy<Element> decides. It has:
// arrive(element)  returns the element if it is ready at once; else keeps or drops it
// due()            optional: when the kept element will be ready
// keeps()          is an element kept?
// release()        gives the kept element, which is due, or is the last one
template <class Policy, class Range>
class timed_run final : public ahead_run<async_range_value_t<Range>> {
  using value = async_range_value_t<Range>;
  using typename ahead_run<value>::element;
  using source = ahead_source<timed_run, Range>;
  using sleep = decltype(sleep_until(loop_clock::time_point()));

  struct timer : ahead_child<timer, value, sleep> {
    explicit timer(timed_run& of) noexcept : ahead_child<timer, value, sleep>(of), run(of) {}
    void on_result(result<void>&& ended) noexcept {
      running = false;
      if (ended)
        run.on_time();
      else if (!run.cut_short(ended.error()) && !run.ending_early())
        run.fail(std::move(ended).error());
    }
    timed_run& run;
    bool running = false;
  };

 public:
  timed_run(Range&& range, Policy policy)
      : source_(*this, std::forward<Range>(range)), policy_(std::move(policy)) {}

  // For the source.
  void on_element(source&, value&& arrived) {
    settle();  // an element whose time is over goes first, however late the timer is
    if (ready_)
      early_.emplace(std::move(arrived));
    else
      arrive(std::move(arrived));
    go_on();
  }
  void on_source_end(source&) noexcept { go_on(); }
  void on_source_failure(source&, error why) noexcept {
    failure_.emplace(std::move(why));
    go_on();
  }
  void on_turn() noexcept { go_on(); }

 private:
  void on_time() noexcept { go_on(); }
  void arrive(value&& arrived) {
    if (auto at_once = policy_.arrive(std::move(arrived))) ready_.emplace(*std::move(at_once));
  }
  // Fills ready_, if that is possible now.
  void settle() {
    if (!ready_ && early_) arrive(*std::exchange(early_, std::nullopt));
    if (ready_ || !policy_.keeps()) return;
    if (!source_.is_open() || policy_.due() <= loop_clock::now()) ready_.emplace(policy_.release());
  }
  void go_on() noexcept {
    try {
      settle();
    } catch (...) {
      return this->fail(error::current());
    }
    if (!source_.is_open()) {
      if (timer_.running) this->end_early();
      return;
    }
    ask();
  }
  void ask() noexcept override {
    if (std::exchange(asking_, true)) return;  // an element arrived inside the loop below
    int left = this->home()->options().operations_per_turn;
    while (!ready_ && source_.is_idle() && !this->stopping() && left-- > 0) source_.ask();
    asking_ = false;
    if (this->stopping()) return;
    if (!ready_ && source_.is_idle()) turn_.begin();
    if (!ready_ && policy_.keeps() && source_.is_open() && !timer_.running) {
      timer_.running = true;
      timer_.begin([this] { return sleep_until(policy_.due()); });
    }
  }
  bool take(element& to) noexcept override {
    if (!ready_) {
      if (failure_) this->fail(*std::exchange(failure_, std::nullopt));
      return false;
    }
    const bool taken = this->put(to, *std::move(ready_));
    ready_.reset();
    go_on();
    return taken;
  }
  bool exhausted() const noexcept override { return !source_.is_open() && !ready_ && !failure_; }
  void clear() noexcept override {
    source_.clear();
    timer_.clear();
  }

  source source_;
  Policy policy_;
  timer timer_{*this};
  ahead_turn<timed_run> turn_{*this};
  std::optional<value> ready_;  // to be taken
  std::optional<value> early_;  // arrived while another one was ready
  std::optional<error> failure_;  // of the source, given after the last element
  bool asking_ = false;
};

}  // namespace braid::detail

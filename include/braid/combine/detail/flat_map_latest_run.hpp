#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/ahead_source.hpp"
#include "braid/combine/detail/ahead_turn.hpp"
#include "braid/combine/detail/flat_map_run.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

template <class Range>
concept closable_range = requires(Range& range) {
  { range.close() } -> sender;
};

// One inner range runs at a time. A newer outer element stops it; the newer range begins once the older one
// has ended, and has been closed if it has a close().
template <class F, class Range>
class flat_map_latest_run final : public ahead_run<async_range_value_t<range_made_of<F, Range>>> {
  using outer_value = async_range_value_t<Range>;
  using inner_range = range_made_of<F, Range>;
  using value = async_range_value_t<inner_range>;
  using typename ahead_run<value>::element;
  using outer_source = ahead_source<flat_map_latest_run, Range>;

  // The next() of the inner range. It has a stop source of its own.
  struct asked_inner : ahead_child<asked_inner, value, next_of<inner_range>> {
    explicit asked_inner(flat_map_latest_run& of) noexcept
        : ahead_child<asked_inner, value, next_of<inner_range>>(of), run(of) {}
    void ask() noexcept {
      running = true;
      if (stop->stop_requested()) stop.emplace();
      link.emplace(run.child_stop_token(), on_stop{this});
      this->begin([this] { return run.inner_->next(); });
    }
    [[nodiscard]] stop_token obeyed() noexcept { return stop->get_token(); }
    void on_result(result<std::optional<value>>&& next) noexcept {
      running = false;
      link.reset();
      run.on_inner(std::move(next));
    }
    struct on_stop {
      asked_inner* self;
      void operator()(stop_reason why) const noexcept { self->stop->request_stop(why); }
    };
    flat_map_latest_run& run;
    bool running = false;
    std::optional<stop_source> stop{std::in_place};
    std::optional<stop_callback<on_stop>> link;  // to the run's stop source, while it runs
  };

  struct no_closing {
    explicit no_closing(flat_map_latest_run&) noexcept {}
    static constexpr bool running = false;
    static void clear() noexcept {}
  };
  template <class Inner>
  struct closing_inner : ahead_child<closing_inner<Inner>, value, decltype(std::declval<Inner&>().close())> {
    using child = ahead_child<closing_inner, value, decltype(std::declval<Inner&>().close())>;
    explicit closing_inner(flat_map_latest_run& of) noexcept : child(of), run(of) {}
    void close() noexcept {
      running = true;
      this->begin([this] { return run.inner_->close(); });
    }
    void on_result(result<void>&& ended) noexcept {
      running = false;
      run.end_inner();
      if (!ended && ended.error() != std::errc::operation_canceled)
        run.fail(std::move(ended).error());
      else
        run.go_on();
    }
    flat_map_latest_run& run;
    bool running = false;
  };
  template <class Inner>
  struct closer {
    using type = no_closing;
  };
  template <closable_range Inner>
  struct closer<Inner> {
    using type = closing_inner<Inner>;
  };

 public:
  flat_map_latest_run(Range&& range, F f) : outer_(*this, std::forward<Range>(range)), f_(std::move(f)) {}

  // For the outer range.
  void on_element(outer_source&, outer_value&& from) {
    newest_.emplace(std::move(from));
    if (asked_.running) asked_.stop->request_stop(stop_reason::not_needed);
    go_on();
  }
  void on_source_end(outer_source&) noexcept {}
  void on_turn() noexcept { go_on(); }

 private:
  void on_inner(result<std::optional<value>>&& next) noexcept {
    const bool replaced = newest_.has_value();
    if (!next) {
      if (replaced && next.error() == std::errc::operation_canceled) return go_on();
      if (this->cut_short(next.error())) return;
      end_inner();
      return this->fail(std::move(next).error());
    }
    if (!*next) {
      end_inner();
    } else if (!replaced) {
      try {
        kept_.emplace(**std::move(next));
      } catch (...) {
        return this->fail(error::current());
      }
    }  // an element of a range that was replaced is dropped
    go_on();
  }
  void end_inner() noexcept {
    inner_.reset();
    made_of_.reset();
  }
  // Begins the newest inner range, once the one before has ended.
  void replace_inner() noexcept {
    if (!newest_ || asked_.running || closer_.running || this->stopping()) return;
    if constexpr (closable_range<inner_range>) {
      if (inner_) closer_.close();
      if (inner_ || this->stopping()) return;
    }
    end_inner();
    try {
      made_of_.emplace(*std::exchange(newest_, std::nullopt));
      inner_.emplace(elided{[this]() -> inner_range { return std::invoke(f_, *std::move(made_of_)); }});
    } catch (...) {
      newest_.reset();
      end_inner();
      this->fail(error::current());
    }
  }
  void go_on() noexcept {
    if (asking_) return;
    if (this->awaited()) return ask();
    asking_ = true;
    replace_inner();
    asking_ = false;
  }
  void ask() noexcept override {
    if (std::exchange(asking_, true)) return;  // something arrived inside the loop below
    int left = this->home()->options().operations_per_turn;
    for (;;) {
      if (!this->stopping() && outer_.is_idle()) outer_.ask();
      replace_inner();
      if (!wants_more() || left-- == 0) break;
      if (wants_inner()) asked_.ask();
    }
    if (wants_more()) turn_.begin();
    asking_ = false;
  }
  [[nodiscard]] bool wants_inner() const noexcept {
    return inner_ && !newest_ && !kept_ && !asked_.running && !closer_.running;
  }
  [[nodiscard]] bool wants_more() const noexcept {
    return !this->stopping() && (wants_inner() || (outer_.is_idle() && !kept_));
  }
  bool take(element& to) noexcept override {
    if (!kept_) return false;
    const bool taken = this->put(to, *std::move(kept_));
    kept_.reset();
    return taken;
  }
  bool exhausted() const noexcept override { return !outer_.is_open() && !inner_ && !newest_ && !kept_; }
  void clear() noexcept override {
    outer_.clear();
    asked_.link.reset();
    asked_.clear();
    closer_.clear();
  }

  outer_source outer_;
  F f_;
  std::optional<outer_value> newest_;   // its inner range has not begun
  std::optional<outer_value> made_of_;  // the inner range may refer to it
  std::optional<inner_range> inner_;
  std::optional<value> kept_;  // to be taken
  asked_inner asked_{*this};
  [[no_unique_address]] typename closer<inner_range>::type closer_{*this};
  ahead_turn<flat_map_latest_run> turn_{*this};
  bool asking_ = false;
};

}  // namespace braid::detail

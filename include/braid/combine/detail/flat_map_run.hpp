#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/combine/detail/ahead_source.hpp"
#include "braid/combine/detail/ahead_turn.hpp"
#include "braid/core/defer.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

template <class F, class Range>
using range_made_of = std::invoke_result_t<F&, async_range_value_t<Range>>;

template <class F, class Range>
class flat_map_run final : public ahead_run<async_range_value_t<range_made_of<F, Range>>> {
  using outer_value = async_range_value_t<Range>;
  using inner_range = range_made_of<F, Range>;
  using value = async_range_value_t<inner_range>;
  using typename ahead_run<value>::element;
  using outer_source = ahead_source<flat_map_run, Range>;

  // Room for one inner range, used again for later ones. It is in a list of the run except while it is asked.
  struct slot : ahead_child<slot, value, next_of<inner_range>>, list_node, pooled {
    explicit slot(flat_map_run& of) noexcept : ahead_child<slot, value, next_of<inner_range>>(of), run(of) {}

    void fill(F& f, outer_value&& from) {
      made_of.emplace(std::move(from));
      inner.emplace(elided{[&]() -> inner_range { return std::invoke(f, *std::move(made_of)); }});
    }
    void empty_out() noexcept {
      inner.reset();
      made_of.reset();
    }
    void ask() noexcept {
      this->begin([this] { return inner->next(); });
    }
    void on_result(result<std::optional<value>>&& next) noexcept { run.on_inner(*this, std::move(next)); }

    flat_map_run& run;
    std::optional<outer_value> made_of;  // the inner range may refer to it
    std::optional<inner_range> inner;
    std::optional<value> kept;
  };

 public:
  flat_map_run(Range&& range, F f, std::size_t limit)
      : outer_(*this, std::forward<Range>(range)), f_(std::move(f)), limit_(limit) {}
  ~flat_map_run() override {
    for (auto* each : {&idle_, &asked_, &ready_, &free_})
      while (!each->empty()) delete &each->pop_front();
  }

  // For the outer range.
  void on_element(outer_source&, outer_value&& from) {
    slot& where = free_.empty() ? *new slot(*this) : free_.pop_front();
    try {
      where.fill(f_, std::move(from));
    } catch (...) {
      where.empty_out();
      free_.push_back(where);
      throw;
    }
    idle_.push_back(where);
    ++used_;
    go_on();
  }
  void on_source_end(outer_source&) noexcept {}
  void on_turn() noexcept { go_on(); }

 private:
  void on_inner(slot& where, result<std::optional<value>>&& next) noexcept {
    where.unlink();
    if (!next && this->cut_short(next.error())) return idle_.push_back(where);
    if (next && *next) {
      try {
        where.kept.emplace(**std::move(next));
        return ready_.push_back(where);
      } catch (...) {
        next = error::current();
      }
    }
    where.empty_out();
    free_.push_back(where);
    --used_;
    if (!next) return this->fail(std::move(next).error());
    go_on();
  }
  void go_on() noexcept {
    if (this->awaited()) ask();
  }
  void ask() noexcept override {
    if (std::exchange(asking_, true)) return;  // something arrived inside the loop below
    int left = this->home()->options().operations_per_turn;
    while (wants_more() && left-- > 0) {
      if (idle_.empty()) {
        outer_.ask();
      } else {
        slot& first = idle_.pop_front();
        asked_.push_back(first);
        first.ask();
      }
    }
    if (wants_more()) turn_.begin();
    asking_ = false;
  }
  [[nodiscard]] bool wants_more() noexcept {
    return !this->stopping() && (!idle_.empty() || (used_ < limit_ && outer_.is_idle()));
  }
  bool take(element& to) noexcept override {
    if (ready_.empty()) return false;
    slot& first = ready_.pop_front();
    idle_.push_back(first);
    const bool taken = this->put(to, *std::move(first.kept));
    first.kept.reset();
    return taken;
  }
  bool exhausted() const noexcept override { return !outer_.is_open() && used_ == 0; }
  void clear() noexcept override {
    outer_.clear();
    asked_.for_each([](slot& each) { each.clear(); });
  }

  outer_source outer_;
  F f_;
  const std::size_t limit_;
  intrusive_list<slot> idle_;  // to be asked
  intrusive_list<slot> asked_;  // in flight
  intrusive_list<slot> ready_;  // have an element, in the order of arrival
  intrusive_list<slot> free_;  // for further inner ranges
  std::size_t used_ = 0;  // slots with an inner range
  ahead_turn<flat_map_run> turn_{*this};
  bool asking_ = false;
};

}  // namespace braid::detail

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "braid/combine/detail/ahead_turn.hpp"
#include "braid/combine/detail/source_slots.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

template <class Run, class Range, std::size_t I>
struct latest_slot : ahead_source<Run, Range, I> {
  using ahead_source<Run, Range, I>::ahead_source;
  std::optional<async_range_value_t<Range>> latest;  // in the last tuple, or in the first one to come
  std::optional<async_range_value_t<Range>> newer;   // for a tuple to come
  std::uint64_t arrived = 0;  // which element of all it was
};

template <class... Ranges>
class combine_latest_run final : public ahead_run<std::tuple<async_range_value_t<Ranges>...>> {
  using base = ahead_run<std::tuple<async_range_value_t<Ranges>...>>;
  using typename base::element;

 public:
  explicit combine_latest_run(Ranges&&... ranges) : slots_(*this, std::forward<Ranges>(ranges)...) {}

  // For the sources.
  template <class Range, std::size_t I>
  void on_element(ahead_source<combine_latest_run, Range, I>& source, async_range_value_t<Range>&& arrived) {
    auto& slot = static_cast<latest_slot<combine_latest_run, Range, I>&>(source);
    slot.arrived = ++arrived_;
    if (complete_) {
      slot.newer.emplace(std::move(arrived));
      return;
    }
    slot.latest.emplace(std::move(arrived));
    complete_ = has_all();
    first_ = complete_;
    if (!complete_ && this->awaited()) ask();
  }
  template <class Range, std::size_t I>
  void on_source_end(ahead_source<combine_latest_run, Range, I>& source) noexcept {
    --open_;
    if (!static_cast<latest_slot<combine_latest_run, Range, I>&>(source).latest) open_ = 0;
    if (open_ == 0) this->end_early();
  }
  void on_turn() noexcept {
    if (this->awaited()) ask();
  }

 private:
  [[nodiscard]] bool has_all() noexcept {
    return slots_.apply([](auto&... slots) { return (slots.latest.has_value() && ...); });
  }
  // Until each range has given an element, those that have are asked for newer ones.
  void ask() noexcept override {
    if (std::exchange(asking_, true)) return;  // an element arrived inside the loop below
    int left = this->home()->options().operations_per_turn;
    std::uint64_t before = 0;
    do {
      before = arrived_;
      slots_.apply([this](auto&... slots) { (this->ask_one(slots), ...); });
    } while (!complete_ && arrived_ != before && !this->stopping() && --left > 0);
    if (!complete_ && arrived_ != before && !this->stopping()) turn_.begin();
    asking_ = false;
  }
  template <class Slot>
  void ask_one(Slot& slot) noexcept {
    if (!this->stopping() && !slot.newer && slot.is_idle()) slot.ask();
  }
  bool take(element& to) noexcept override {
    if (!first_ && !accept_oldest()) return false;
    first_ = false;
    return slots_.apply([&](auto&... slots) { return this->put(to, std::as_const(*slots.latest)...); });
  }
  // Brings the newer element that arrived first into the tuple.
  bool accept_oldest() noexcept {
    return slots_.apply([this](auto&... slots) {
      std::uint64_t oldest = ~std::uint64_t{0};
      ((slots.newer && slots.arrived < oldest ? void(oldest = slots.arrived) : void()), ...);
      return (this->accept(slots, oldest) || ...);
    });
  }
  template <class Slot>
  bool accept(Slot& slot, std::uint64_t which) noexcept {
    if (!slot.newer || slot.arrived != which) return false;
    try {
      slot.latest.emplace(*std::move(slot.newer));
    } catch (...) {
      this->fail(error::current());
    }
    slot.newer.reset();
    return !this->failed() && slot.latest;
  }
  bool exhausted() const noexcept override { return open_ == 0; }
  void clear() noexcept override {
    slots_.apply([](auto&... slots) { (slots.clear(), ...); });
  }

  source_slots<latest_slot, combine_latest_run, std::index_sequence_for<Ranges...>, Ranges...> slots_;
  ahead_turn<combine_latest_run> turn_{*this};
  std::uint64_t arrived_ = 0;  // how many elements, in all
  std::size_t open_ = sizeof...(Ranges);  // ranges that have not ended; 0 once no tuple can follow
  bool complete_ = false;  // each range has given an element
  bool first_ = false;  // the first tuple waits to be taken
  bool asking_ = false;
};

}  // namespace braid::detail

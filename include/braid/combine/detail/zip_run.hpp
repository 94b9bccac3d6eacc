#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/source_slots.hpp"
#include "braid/style/async_range.hpp"

namespace braid::detail {

template <class Run, class Range, std::size_t I>
struct zip_slot : ahead_source<Run, Range, I> {
  using ahead_source<Run, Range, I>::ahead_source;
  std::optional<async_range_value_t<Range>> kept;
};

template <class... Ranges>
class zip_run final : public ahead_run<std::tuple<async_range_value_t<Ranges>...>> {
  using base = ahead_run<std::tuple<async_range_value_t<Ranges>...>>;
  using typename base::element;

 public:
  using elements = std::tuple<std::optional<async_range_value_t<Ranges>>...>;
  explicit zip_run(Ranges&&... ranges) : slots_(*this, std::forward<Ranges>(ranges)...) {}

  /// Gives away the elements that have no partners.
  [[nodiscard]] elements take_unpaired() {
    have_ = 0;
    return slots_.apply([](auto&... slots) { return elements(std::exchange(slots.kept, std::nullopt)...); });
  }

  // For the sources.
  template <class Range, std::size_t I>
  void on_element(ahead_source<zip_run, Range, I>& source, async_range_value_t<Range>&& arrived) {
    static_cast<zip_slot<zip_run, Range, I>&>(source).kept.emplace(std::move(arrived));
    ++have_;
  }
  template <class Source>
  void on_source_end(Source&) noexcept {
    ended_ = true;
    this->end_early();
  }

 private:
  void ask() noexcept override {
    const auto ask_one = [this](auto& slot) {
      if (!this->stopping() && !slot.kept && slot.is_idle()) slot.ask();
    };
    slots_.apply([&](auto&... slots) { (ask_one(slots), ...); });
  }
  bool take(element& to) noexcept override {
    if (have_ < sizeof...(Ranges)) return false;
    have_ = 0;
    return slots_.apply([&](auto&... slots) {
      const bool taken = this->put(to, *std::move(slots.kept)...);
      (slots.kept.reset(), ...);
      return taken;
    });
  }
  bool exhausted() const noexcept override { return ended_; }
  void clear() noexcept override {
    slots_.apply([](auto&... slots) { (slots.clear(), ...); });
  }

  source_slots<zip_slot, zip_run, std::index_sequence_for<Ranges...>, Ranges...> slots_;
  std::size_t have_ = 0;  // how many slots have an element
  bool ended_ = false;
};

}  // namespace braid::detail

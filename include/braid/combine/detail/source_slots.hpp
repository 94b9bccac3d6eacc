#pragma once

#include <cstddef>
#include <utility>

#include "braid/combine/detail/ahead_source.hpp"

namespace braid::detail {

// The slots of several ranges of different types: a Slot<Run, Range, I> each, which is an ahead_source.
template <template <class, class, std::size_t> class Slot, class Run, class Indices, class... Ranges>
struct source_slots;
template <template <class, class, std::size_t> class Slot, class Run, std::size_t... I, class... Ranges>
struct source_slots<Slot, Run, std::index_sequence<I...>, Ranges...> : Slot<Run, Ranges, I>... {
  explicit source_slots(Run& run, Ranges&&... ranges)
      : Slot<Run, Ranges, I>(run, std::forward<Ranges>(ranges))... {}

  template <class F>
  decltype(auto) apply(F f) {
    return f(static_cast<Slot<Run, Ranges, I>&>(*this)...);
  }
};

}  // namespace braid::detail

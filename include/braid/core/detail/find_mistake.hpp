#pragma once

#include <new>
#include <source_location>
#include <utility>

#include "braid/core/finding.hpp"

namespace braid::detail {

/// Does the program run with BRAID_CHECKS=1? Set before the program's own static objects are constructed.
extern bool checks_on;

/// True for the first mistake of this kind at this place.
[[nodiscard]] bool is_new_mistake(mistake what, const std::source_location& place);
void hand_over_finding(const finding& found);

/// Reports make(), a finding, unless the same mistake was found at this place before. Without memory it stays
/// unreported.
template <class Make>
[[gnu::cold]] void find_mistake(mistake what, const std::source_location& place, Make make) noexcept {
  try {
    if (is_new_mistake(what, place)) hand_over_finding(make());
  } catch (const std::bad_alloc&) {
    // a finding matters less than the program
  }
}

/// With BRAID_CHECKS=1: reports an error that reaches no waiter and no handler of unhandled errors. Not a
/// cancellation, nor that a promise was dropped: neither is of use to a waiter that has left.
[[gnu::cold]] void find_unseen_error(const error& failure, const async_frame* where) noexcept;

}  // namespace braid::detail

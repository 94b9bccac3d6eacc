#include "braid/combine/retry_budget.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace braid {

bool retry_budget::try_retry() noexcept {
  if (available() == 0) return false;
  window_.add({.marked = 1});
  return true;
}

std::size_t retry_budget::available() noexcept {
  __extension__ typedef unsigned __int128 wide;
  const detail::sliding_window::counts now = window_.total();
  const wide allowed = wide{at_least_} + wide{now.all} * percent_ / 100;
  const wide left = allowed > now.marked ? allowed - now.marked : 0;
  return static_cast<std::size_t>(std::min<wide>(left, SIZE_MAX));
}

}  // namespace braid

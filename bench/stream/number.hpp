#pragma once

#include <braid/schedule/yield.hpp>
#include <braid/style/task.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench::stream {

inline constexpr std::size_t at_once = 32;
inline constexpr std::size_t chunk_size = 64;

/// One operation: gives the number a turn later.
inline braid::task<std::uint64_t> number(std::uint64_t n) {
  co_await braid::yield();
  co_return n;
}

inline std::uint64_t sum_of(std::vector<std::uint64_t> chunk) {
  std::uint64_t sum = 0;
  for (const std::uint64_t each : chunk) sum += each;
  return sum;
}

}  // namespace bench::stream

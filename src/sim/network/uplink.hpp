#pragma once

#include <cstddef>
#include <cstdint>

#include "braid/loop/clock.hpp"

namespace braid::sim::detail {

// A sender's link of so many bytes per second, 0 for no limit. What is put on it leaves one after the other.
class uplink {
 public:
  // When the last of these bytes has left. What is left of a nanosecond counts for the next ones, so that
  // many transmissions take exactly as long as one of their size.
  [[nodiscard]] loop_clock::time_point transmitted(std::size_t bytes, loop_clock::time_point now,
                                                   std::uint64_t bytes_per_second) noexcept;
  // How much has not left, in bytes.
  [[nodiscard]] std::uint64_t waiting(loop_clock::time_point now,
                                      std::uint64_t bytes_per_second) const noexcept;

 private:
  loop_clock::time_point free_{};  // it is busy until then
  std::uint64_t rest_ = 0;  // of a nanosecond, in bytes_per_second parts
};

}  // namespace braid::sim::detail

#pragma once

#include <cstddef>
#include <cstdint>

#include "braid/loop/clock.hpp"

namespace braid::sim::detail {

// A sender's link with a limit in bytes per second, 0 for none. Transmissions leave it one after the other.
class uplink {
 public:
  // When the last of these bytes has left. The remainder of a nanosecond counts for the next transmission, so
  // that many transmissions take exactly as long as one of their total size.
  [[nodiscard]] loop_clock::time_point transmitted(std::size_t bytes, loop_clock::time_point now,
                                                   std::uint64_t bytes_per_second) noexcept;
  // How many bytes have not left yet.
  [[nodiscard]] std::uint64_t waiting(loop_clock::time_point now,
                                      std::uint64_t bytes_per_second) const noexcept;

 private:
  loop_clock::time_point free_{};  // when it becomes free
  std::uint64_t rest_ = 0;  // of a nanosecond, in bytes_per_second parts
};

}  // namespace braid::sim::detail

#pragma once

#include <array>
#include <cstddef>

namespace braid::detail {

/// Which sockets their last receive left empty. The next receive does best to wait at once: trying first is a
/// wasted walk through the network stack, and costs a ping-pong over loopback 3 %. A hint, by descriptor
/// number; numbers that are far apart share one.
class receive_history {
 public:
  [[nodiscard]] bool left_nothing(int descriptor) const noexcept { return empty_[index_of(descriptor)]; }
  void note(int descriptor, bool left_nothing) noexcept { empty_[index_of(descriptor)] = left_nothing; }

 private:
  static constexpr std::size_t index_of(int descriptor) noexcept {
    return static_cast<unsigned>(descriptor) % 1024;
  }
  std::array<bool, 1024> empty_{};
};

}  // namespace braid::detail

#pragma once

#include <array>
#include <cstddef>

namespace braid::detail {

/// Remembers which sockets the last receive left empty. The next receive there should wait at once: to try
/// first is a wasted pass through the network stack, which costs a ping-pong over loopback 3 %. It is a hint
/// by descriptor number; numbers 1024 apart share one.
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

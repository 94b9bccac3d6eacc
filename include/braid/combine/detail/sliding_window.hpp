#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "braid/loop/clock.hpp"

namespace braid::detail {

// Counts events, and the marked ones among them, over the last while: in eleven slices of a tenth of the
// window. So an event counts for as long as the window, and for at most a tenth longer.
class sliding_window {
 public:
  struct counts {
    std::uint64_t all = 0;
    std::uint64_t marked = 0;
  };

  /// Throws std::invalid_argument unless the window is positive.
  sliding_window(loop_clock::duration window, const char* of);

  void add(counts more) noexcept;
  [[nodiscard]] counts total() noexcept;
  void clear() noexcept;

 private:
  static constexpr std::size_t slices = 11;
  [[nodiscard]] counts& slice(std::int64_t number) noexcept {
    return slices_[static_cast<std::uint64_t>(number) % slices];
  }
  void advance() noexcept;

  loop_clock::rep length_;  // of a slice
  std::int64_t now_ = 0;  // the number of the newest slice
  counts total_;
  std::array<counts, slices> slices_;
};

}  // namespace braid::detail

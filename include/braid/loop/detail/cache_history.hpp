#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace braid::detail {

/// Remembers which files the page cache had nothing of, so that reads there need not ask it first: after each
/// miss twice as many reads in a row, at most 63. It is a hint by descriptor number; numbers 256 apart share
/// one.
class cache_history {
 public:
  /// Should the next read ask?
  [[nodiscard]] bool worth_asking(int descriptor) noexcept {
    entry& its = entry_of(descriptor);
    if (its.skips == 0) return true;
    --its.skips;
    return false;
  }
  void note(int descriptor, bool hit) noexcept {
    entry& its = entry_of(descriptor);
    its.after_miss = hit ? std::uint8_t{0} : static_cast<std::uint8_t>((2 * its.after_miss + 1) & 63);
    its.skips = its.after_miss;
  }

 private:
  struct entry {
    std::uint8_t skips = 0;  // how many reads do not ask
    std::uint8_t after_miss = 0;  // the number of them after the last miss
  };
  [[nodiscard]] entry& entry_of(int descriptor) noexcept {
    return entries_[static_cast<unsigned>(descriptor) % entries_.size()];
  }
  std::array<entry, 256> entries_{};
};

}  // namespace braid::detail

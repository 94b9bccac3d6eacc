#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"

namespace braid::sim {

/// Where a simulation's decisions come from: drawn from a seed, or gone through one after the other.
///
/// Threads  the simulation's.
/// Source   Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014), for the generator; the
///          same numbers on every compiler and library.
class choices : pinned {
 public:
  /// Drawn: the same seed, the same decisions.
  explicit choices(std::uint64_t seed) noexcept : state_(seed) {}
  /// All paths in turn: first the one where every decision is 0; next_path goes on to the following one.
  struct every_path {};
  explicit choices(every_path) noexcept : exhausts_(true) {}

  /// One of 0 … n - 1; 0 where n is at most 1.
  [[nodiscard]] std::size_t among(std::size_t n);
  /// Yes with that probability. Where all paths are gone through, both ways unless it is 0 or 1.
  [[nodiscard]] bool happens(double probability);
  /// From least to most. Where all paths are gone through, one of the two.
  [[nodiscard]] loop_clock::duration between(loop_clock::duration least, loop_clock::duration most);

  /// Begins the next path; false when every one has been gone.
  [[nodiscard]] bool next_path();
  /// The path so far, "0 2 1"; empty where decisions are drawn.
  [[nodiscard]] std::string text() const;
  /// Decisions of more than one way so far, in this path.
  [[nodiscard]] std::size_t taken() const noexcept { return at_; }

 private:
  struct decision {
    std::uint32_t taken, of;
  };
  std::uint64_t draw() noexcept;

  const bool exhausts_ = false;
  std::uint64_t state_ = 0;
  std::size_t at_ = 0;
  std::vector<decision> path_;  // where all are gone through
};

}  // namespace braid::sim

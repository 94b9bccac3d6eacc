#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"

namespace braid::sim {

/// The source of a simulation's decisions: drawn from a seed, or all paths one after the other.
///
///     sim::choices drawn(7);  // the same numbers whenever the seed is 7
///     use(drawn.among(6), drawn.happens(0.5), drawn.between(1ms, 10ms));
///
/// Threads  the simulation's.
/// Source   Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014), for the generator; the
///          same numbers on every compiler and library.
class choices : pinned {
 public:
  /// Draws the decisions: the same seed gives the same decisions.
  explicit choices(std::uint64_t seed) noexcept : state_(seed) {}
  /// Goes through all paths: on the first one every decision is 0; next_path goes on to the following one.
  struct every_path {};
  explicit choices(every_path) noexcept : exhausts_(true) {}

  /// One of 0 … n - 1; 0 if n is at most 1.
  [[nodiscard]] std::size_t among(std::size_t n);
  /// True with that probability. With every_path both, unless the probability is 0 or 1.
  [[nodiscard]] bool happens(double probability);
  /// A duration from least to most. With every_path only these two.
  [[nodiscard]] loop_clock::duration between(loop_clock::duration least, loop_clock::duration most);

  /// Begins the next path; false after the last one.
  [[nodiscard]] bool next_path();
  /// The path so far, such as "0 2 1"; empty if decisions are drawn.
  [[nodiscard]] std::string text() const;
  /// How many decisions this path had so far, not counting those with only one possibility.
  [[nodiscard]] std::size_t taken() const noexcept { return at_; }

 private:
  struct decision {
    std::uint32_t taken, of;
  };
  std::uint64_t draw() noexcept;

  const bool exhausts_ = false;
  std::uint64_t state_ = 0;
  std::size_t at_ = 0;
  std::vector<decision> path_;  // with every_path
};

}  // namespace braid::sim

#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace blocked_loop {

/// What is on the screen: numbers, and which of them are counted. It belongs to the loop's thread; the user
/// may change it whenever the loop runs. A copy is whoever's who made it.
struct sheet {
  std::vector<unsigned> numbers;
  std::function<bool(unsigned)> counts;
};

/// Some of a sheet's numbers, by their places: those from first on, before last.
struct piece {
  std::size_t first, last;
};

/// How many numbers are counted between two yields: about a millisecond's work.
inline constexpr std::size_t piece_size = 250;

/// All of the sheet in pieces, of at most so many numbers each.
[[nodiscard]] std::vector<piece> pieces_of(const sheet& all, std::size_t size = piece_size);

/// How many of a piece's numbers count: work for the processor, and nothing to wait for. A place that the
/// sheet has no longer counts for nothing.
[[nodiscard]] int count_in(const sheet& all, piece which);

/// The honest way to find out, by trial.
[[nodiscard]] bool is_prime(unsigned number);

/// As many numbers as that, each of which takes long.
[[nodiscard]] sheet big_numbers(std::size_t how_many);

}  // namespace blocked_loop

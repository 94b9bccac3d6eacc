#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace blocked_loop {

/// The numbers on the screen, and which of them count. It belongs to the loop's thread; the user may change
/// it whenever the loop runs. A copy belongs to the code that made it.
struct sheet {
  std::vector<unsigned> numbers;
  std::function<bool(unsigned)> counts;
};

/// Some of a sheet's numbers, by position: [first, last).
struct piece {
  std::size_t first, last;
};

/// How many numbers are counted between two yields: about a millisecond of work.
inline constexpr std::size_t piece_size = 250;

/// The whole sheet in pieces of at most that many numbers.
[[nodiscard]] std::vector<piece> pieces_of(const sheet& all, std::size_t size = piece_size);

/// How many numbers of a piece count: a computation without a wait. A position that the sheet does not have
/// any more counts for nothing.
[[nodiscard]] int count_in(const sheet& all, piece which);

/// Finds out by trial division.
[[nodiscard]] bool is_prime(unsigned number);

/// A sheet of this many numbers, each of which takes long.
[[nodiscard]] sheet big_numbers(std::size_t how_many);

}  // namespace blocked_loop

#pragma once

#include <cstddef>

#include "braid/loop/clock.hpp"

namespace braid {

struct token_rate;

namespace detail {

// A bucket that holds at most `burst` tokens, and into which they drip at a rate; full at first.
//
// It counts in parts, of which a token has as many as the period has nanoseconds. So every nanosecond adds
// rate.tokens whole parts, and no rounding error adds up. While somebody waits for tokens, the bucket keeps
// those that come too many because the wait ends late: they are the next waiter's.
class token_bucket {
 public:
  /// Throws std::invalid_argument unless all numbers are positive.
  token_bucket(token_rate rate, std::size_t burst);

  [[nodiscard]] std::size_t burst() const noexcept { return burst_; }
  /// Takes n tokens, or none and returns false.
  [[nodiscard]] bool take(std::size_t n) noexcept;
  void put_back(std::size_t n) noexcept;
  [[nodiscard]] std::size_t available() noexcept;
  /// When n tokens will be there, if nobody takes any: n is at most the burst.
  [[nodiscard]] loop_clock::time_point available_at(std::size_t n) noexcept;
  [[nodiscard]] bool is_full() noexcept;
  void note_waited_for(bool waited_for) noexcept { waited_for_ = waited_for; }

 private:
  __extension__ typedef unsigned __int128 parts;
  [[nodiscard]] parts parts_of(std::size_t tokens) const noexcept { return parts{tokens} * part_count_; }
  void refill() noexcept;

  std::size_t burst_;
  std::size_t parts_each_nanosecond_;
  std::size_t part_count_;  // in a token
  parts level_;
  loop_clock::time_point refilled_at_{};
  bool waited_for_ = false;
};

}  // namespace detail

}  // namespace braid

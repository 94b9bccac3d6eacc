#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "braid/loop/file_traits.hpp"
#include "braid/loop/reactor.hpp"

namespace braid::detail {

/// A request that waits for those begun before it: reads and writes that move one open file's position, or
/// that read from, or write to, one descriptor's stream of bytes.
///
/// Lifetime  as io_operation's. It holds its turn until end_turn, however often it is submitted.
class turn_operation : public io_operation {
 protected:
  turn_operation(finish_fn& finish, const request& what) noexcept : io_operation(finish, what) {}

 private:
  friend class descriptor_turns;
  enum class turn : std::uint8_t { none, waits, holds };
  static constexpr std::int64_t not_asked = -2;

  std::uint64_t key_ = 0;  // its file's identity, and which turn of the file: position, reads or writes
  turn_operation* next_ = nullptr;  // the next holder of a turn in the same bucket
  queue behind_;  // the operations that wait for this one's end
  std::int64_t position_ = -1;  // where its transfer goes on; -1 where the reactor moves it; or not_asked
  file_traits traits_;
  turn turn_ = turn::none;
};

/// Gives out the turns at the files of a loop. An open file with a position has one turn for reads and
/// writes, through whichever of its descriptors. Each descriptor of a pipe, a terminal or a socket has one
/// turn for reads and one for writes; these do not wait for each other.
///
/// Threads  its loop's.
/// Cost     O(1) on average, with a table that grows with the number of holders. Without memory for that the
///          table keeps its size and searches take longer. For two descriptors of one file on disk, not both
///          from open_file, one system call finds out whether they share a position.
class descriptor_turns {
 public:
  /// True when the operation holds its turn, now or already. Otherwise it waits until an end() hands it over.
  [[nodiscard]] bool take(turn_operation& operation, const file_traits& traits, reactor& on) noexcept;
  /// Called before a request of an operation that holds its turn is submitted: finds out where it begins.
  static void locate(turn_operation& operation, reactor& on) noexcept {
    if (operation.position_ == turn_operation::not_asked) ask_position(operation, on);
  }
  /// Called when a request of the operation completes. After a transfer that ended early or was unbuffered,
  /// it sets the file's position, because io_uring does not move it if an error has cut the transfer short.
  void moved(turn_operation& operation, std::int32_t result, reactor& on) noexcept;
  /// Ends the operation's turn. Returns the next holder, which the caller submits, or null.
  [[nodiscard]] turn_operation* end(turn_operation& operation) noexcept;
  /// Takes back an operation that waits; false when it does not wait. Cost: O(n) of the operations that wait
  /// for the same turn.
  [[nodiscard]] bool withdraw(turn_operation& operation) noexcept;
  /// Takes back all operations on that descriptor that wait. Those on other descriptors of its file stay.
  [[nodiscard]] operation_base::queue withdraw_all(int descriptor, reactor& on) noexcept;

 private:
  [[nodiscard]] turn_operation*& bucket_of(std::uint64_t key) noexcept;
  [[nodiscard]] turn_operation* holder_before(const turn_operation& operation, reactor& on) noexcept;
  void hold(turn_operation& operation) noexcept;
  static void ask_position(turn_operation& operation, reactor& on) noexcept;
  void grow() noexcept;

  std::size_t holders_ = 0;
  std::size_t waiting_ = 0;
  turn_operation* only_bucket_ = nullptr;  // used while there is no table
  std::vector<turn_operation*> buckets_;  // empty, or a power of two of them
};

}  // namespace braid::detail

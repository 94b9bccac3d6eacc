#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "braid/loop/detail/file_traits.hpp"
#include "braid/loop/reactor.hpp"

namespace braid::detail {

/// A request that is carried out once those that were begun before it have ended: on the same open file, of
/// reads and writes that move its position; on the same descriptor, of those that take from or add to a
/// stream of bytes.
///
/// Lifetime  as io_operation's. It holds its turn until end_turn, however often it is submitted.
class turn_operation : public io_operation {
 protected:
  turn_operation(finish_fn& finish, const request& what) noexcept : io_operation(finish, what) {}

 private:
  friend class descriptor_turns;
  enum class turn : std::uint8_t { none, waits, holds };

  std::uint64_t key_ = 0;  // the identity of its file, and which of its turns
  turn_operation* next_ = nullptr;  // that holds a turn, in the same bucket
  queue behind_;  // what waits for this one's end
  std::int64_t position_ = -1;  // where it goes on; -1 where the reactor sees to that
  file_traits traits_;
  turn turn_ = turn::none;
};

/// Whose turn it is at each file of a loop. An open file that has a position has one turn for reads and
/// writes, whichever of its descriptors they use; each descriptor of a pipe, a terminal or a socket has one
/// for reads and one for writes, which do not wait for each other.
///
/// Threads  its loop's.
/// Cost     O(1) on average; a table that grows with the operations that hold a turn. Without memory it stays
///          as it is, and is searched for longer. Two descriptors of one file on disk, not both from
///          open_file: a system call to know whether they share a position.
class descriptor_turns {
 public:
  /// Does the operation hold its turn now, or already? Else it waits, and end_turn of another one gives it
  /// out.
  [[nodiscard]] bool take(turn_operation& operation, const file_traits& traits, reactor& on) noexcept;
  /// A request of it has completed: the file's position is put where that must have moved it. Reactors
  /// differ: after a transfer that an error has cut short io_uring leaves it where it was.
  void moved(turn_operation& operation, std::int32_t result, reactor& on) noexcept;
  /// The operation is over. The next one, which holds the turn now and is to be submitted, or null.
  [[nodiscard]] turn_operation* end(turn_operation& operation, reactor& on) noexcept;
  /// Takes back an operation that waits; false when it does not. Cost: O(n) of those that wait for the same.
  [[nodiscard]] bool withdraw(turn_operation& operation) noexcept;
  /// Takes back all that wait by that descriptor; those that wait for the same file by another one stay.
  [[nodiscard]] operation_base::queue withdraw_all(int descriptor, reactor& on) noexcept;

 private:
  [[nodiscard]] turn_operation*& bucket_of(std::uint64_t key) noexcept;
  [[nodiscard]] turn_operation* holder_before(const turn_operation& operation, reactor& on) noexcept;
  void hold(turn_operation& operation, reactor& on) noexcept;
  void grow() noexcept;

  std::size_t holders_ = 0;
  std::size_t waiting_ = 0;
  turn_operation* only_bucket_ = nullptr;  // where there was no memory for a table
  std::vector<turn_operation*> buckets_;  // none, or a power of two
};

}  // namespace braid::detail

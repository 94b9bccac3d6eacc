#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "braid/loop/request.hpp"

namespace braid::detail {

/// The entries that the next turn hands over to the kernel: the submission queue of io_uring. Requests are
/// written into it inline, where they are made, because a virtual call would cost as much as the rest. A
/// reactor without such a queue leaves the lane closed.
///
/// Threads  the loop's.
/// Source   io_uring(7), struct io_uring_sqe.
class submission_lane {
 public:
  struct entry {
    std::uint64_t head;  ///< opcode, then flags from bit 8, ioprio from 16, the descriptor from 32
    std::uint64_t offset;
    std::uint64_t address;
    std::uint32_t length;
    std::uint32_t flags;
    std::uint64_t user_data;
    std::uint64_t rest[3];  ///< always 0
  };
  /// The bits of an opcode that the lane does not take: its requests go through reactor::submit.
  static constexpr std::uint32_t not_taken = ~std::uint32_t{0};

  /// Writes the request's entry; false when the request must go through reactor::submit.
  [[nodiscard, gnu::always_inline]] bool submit(const request& what, std::uint64_t user_data) noexcept {
    const entry made = entry_of(what, user_data);  // read before the writes, which might alias the request
    const std::uint32_t bits = opcode_bits[static_cast<std::size_t>(what.code)];
    const bool always_taken = __builtin_constant_p(what.code) && always_takes(what.code);
    if (tail == limit || (!always_taken && bits == not_taken)) [[unlikely]]
      return false;
    append(bits, made);
    return true;
  }
  /// Does the lane take this opcode on every supported kernel? Then its bits need not be checked.
  [[nodiscard]] static constexpr bool always_takes(opcode code) noexcept {
    return code != opcode::truncate && code != opcode::cancel_descriptor && code != opcode::accept_many &&
           code != opcode::receive_many && code != opcode::read_directory && code != opcode::change_mode &&
           code != opcode::fill_pipe && code != opcode::drain_pipe && code != opcode::try_lock;
  }
  /// An entry without its opcode's bits.
  [[nodiscard, gnu::always_inline]] static entry entry_of(const request& what,
                                                          std::uint64_t user_data) noexcept {
    return {std::uint64_t{what.waits_first} << 16 | std::uint64_t(std::uint32_t(what.descriptor)) << 32,
            what.offset,
            reinterpret_cast<std::uint64_t>(what.address),
            what.length,
            what.flags,
            user_data,
            {}};
  }
  /// Requires room.
  [[gnu::always_inline]] void append(std::uint32_t bits, const entry& made) noexcept {
    entry& next = entries[tail++ & mask];
    // Field by field: a compiler would move two words at once, which is slow here for copy_of's reason.
    const auto write = [](auto& field, auto value) { __atomic_store_n(&field, value, __ATOMIC_RELAXED); };
    write(next.head, made.head | bits);
    write(next.offset, made.offset);
    write(next.address, made.address);
    write(next.length, made.length);
    write(next.flags, made.flags);
    write(next.user_data, made.user_data);
  }

  entry* entries = nullptr;
  unsigned mask = 0;
  unsigned tail = 0;  ///< of the queue, including entries that are not handed over yet
  unsigned limit = 0;  ///< where the room ends; equal to tail while the lane is closed
  /// For each opcode its number and the constant bits of ioprio, as they stand in an entry; or not_taken.
  std::array<std::uint32_t, static_cast<std::size_t>(opcode::count_)> opcode_bits;
};

}  // namespace braid::detail

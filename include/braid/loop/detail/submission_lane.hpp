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
  /// The word of an opcode that the lane does not take: its requests go through reactor::submit.
  static constexpr std::uint32_t no_word = ~std::uint32_t{0};

  /// Writes the request's entry; false when the request must go through reactor::submit.
  [[nodiscard, gnu::always_inline]] bool submit(const request& what, std::uint64_t user_data) noexcept {
    const entry made = entry_of(what, user_data);  // read before the writes, which might alias the request
    const std::uint32_t word = words[static_cast<std::size_t>(what.code)];
    const bool known_plain = __builtin_constant_p(what.code) && is_always_plain(what.code);
    if (tail == limit || (!known_plain && word == no_word)) [[unlikely]]
      return false;
    append(word, made);
    return true;
  }
  /// Does the lane take this opcode on every supported kernel? Then its word need not be checked.
  [[nodiscard]] static constexpr bool is_always_plain(opcode code) noexcept {
    return code != opcode::truncate && code != opcode::cancel_descriptor && code != opcode::accept_many;
  }
  /// An entry without its opcode's word.
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
  [[gnu::always_inline]] void append(std::uint32_t word, const entry& made) noexcept {
    entry& next = entries[tail++ & mask];
    // Field by field: a compiler would move two words at once, which is slow here for copy_of's reason.
    const auto write = [](auto& field, auto value) { __atomic_store_n(&field, value, __ATOMIC_RELAXED); };
    write(next.head, made.head | word);
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
  std::array<std::uint32_t, static_cast<std::size_t>(opcode::count_)> words;  ///< flags 0, ioprio and opcode
};

}  // namespace braid::detail

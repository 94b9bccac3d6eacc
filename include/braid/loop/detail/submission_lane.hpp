#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "braid/loop/request.hpp"

namespace braid::detail {

/// Room for requests that are handed over with the next turn: the submission queue of a reactor on io_uring,
/// as the kernel reads it. Written where the request is made, inline: a virtual call would cost as much as
/// the rest. A reactor without such a queue leaves it closed.
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
    std::uint64_t rest[3];  ///< stays 0
  };
  /// The word of an opcode that is no plain entry here: its requests take the way through reactor::submit.
  static constexpr std::uint32_t no_word = ~std::uint32_t{0};

  /// Writes the request's entry; false when it must take the other way.
  [[nodiscard, gnu::always_inline]] bool submit(const request& what, std::uint64_t user_data) noexcept {
    const entry made = entry_of(what, user_data);  // before anything is written, which might be the request
    const std::uint32_t word = words[static_cast<std::size_t>(what.code)];
    const bool known_plain = __builtin_constant_p(what.code) && is_always_plain(what.code);
    if (tail == limit || (!known_plain && word == no_word)) [[unlikely]]
      return false;
    append(word, made);
    return true;
  }
  /// Is its request a plain entry on every kernel that a loop runs on? Then its word need not be asked.
  [[nodiscard]] static constexpr bool is_always_plain(opcode code) noexcept {
    return code != opcode::truncate && code != opcode::cancel_descriptor && code != opcode::accept_many;
  }
  /// All of an entry but its word.
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
  /// Where there is room.
  [[gnu::always_inline]] void append(std::uint32_t word, const entry& made) noexcept {
    entry& next = entries[tail++ & mask];
    // One by one: see copy_of.
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
  unsigned tail = 0;  ///< of the queue, ahead of what the kernel was told
  unsigned limit = 0;  ///< where the room ends; tail itself while the lane is closed
  std::array<std::uint32_t, static_cast<std::size_t>(opcode::count_)> words;  ///< flags 0, ioprio and opcode
};

}  // namespace braid::detail

#pragma once

#include <cstddef>

namespace braid::detail {

// AddressSanitizer's function; null in a program without it.
using mark_fn = void(const volatile void* address, std::size_t length);
extern mark_fn* const asan_poisons;
extern mark_fn* const asan_unpoisons;

/// Is there anything to mark? Said by the program, not by the flags of the unit that asks.
[[nodiscard]] inline bool poisons() noexcept { return asan_poisons != nullptr; }

/// Marks memory that the kernel may still write: under AddressSanitizer touching it traps. Else it is free.
inline void poison(const void* address, std::size_t length) noexcept {
  if (poisons() && address != nullptr) [[unlikely]]
    asan_poisons(address, length);
}

/// Ends what poison began: the memory is its owner's again.
inline void unpoison(const void* address, std::size_t length) noexcept {
  if (poisons() && address != nullptr) [[unlikely]]
    asan_unpoisons(address, length);
}

}  // namespace braid::detail

#pragma once

#include <cstddef>

namespace braid::detail {

// AddressSanitizer's function; null in a program without it.
using mark_fn = void(const volatile void* address, std::size_t length);
extern mark_fn* const asan_poisons;
extern mark_fn* const asan_unpoisons;

/// Does this program have AddressSanitizer? Asked at run time, whatever flags this unit was compiled with.
[[nodiscard]] inline bool poisons() noexcept { return asan_poisons != nullptr; }

/// Marks memory that the kernel may still write: under AddressSanitizer touching it traps. Otherwise no cost.
inline void poison(const void* address, std::size_t length) noexcept {
  if (poisons() && address != nullptr) [[unlikely]]
    asan_poisons(address, length);
}

/// Reverses poison: the owner may touch the memory again.
inline void unpoison(const void* address, std::size_t length) noexcept {
  if (poisons() && address != nullptr) [[unlikely]]
    asan_unpoisons(address, length);
}

}  // namespace braid::detail

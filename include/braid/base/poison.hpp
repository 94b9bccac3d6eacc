#pragma once

#include <cstddef>

#include "braid/base/sanitizer.hpp"

#if BRAID_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace braid {

/// Is there anything to mark?
inline constexpr bool poisons = BRAID_ASAN != 0;

/// Marks memory that the kernel may still write: under AddressSanitizer touching it traps. Else it is free.
inline void poison([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t length) noexcept {
#if BRAID_ASAN
  if (address != nullptr) __asan_poison_memory_region(address, length);
#endif
}

/// Ends what poison began: the memory is its owner's again.
inline void unpoison([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t length) noexcept {
#if BRAID_ASAN
  if (address != nullptr) __asan_unpoison_memory_region(address, length);
#endif
}

}  // namespace braid

#pragma once

#include <cstddef>

#include "braid/base/detail/sanitizer.hpp"

namespace braid_tests {

/// False under a sanitizer, which replaces operator new: then nothing is counted, and every count is 0.
inline constexpr bool counts_allocations = BRAID_ASAN == 0 && BRAID_TSAN == 0;

/// Calls of operator new so far, in all threads.
[[nodiscard]] std::size_t allocations_made() noexcept;
/// Of these calls, how many operator delete has not yet undone.
[[nodiscard]] std::size_t allocations_alive() noexcept;

/// How many bytes these calls have asked for in all.
[[nodiscard]] std::size_t bytes_allocated() noexcept;

enum class lack_of_memory { once, for_good };
/// Makes the n-th call of operator new from now on, in any thread, throw std::bad_alloc. With `for_good` all
/// later calls throw, too. With n = 0 none does.
void fail_allocation(std::size_t n, lack_of_memory lasts = lack_of_memory::once) noexcept;
/// Has an allocation failed because of fail_allocation?
[[nodiscard]] bool allocation_failed() noexcept;

/// Counts from its construction on. Catch's assertions allocate too, so take the number first and check it
/// afterwards.
class allocation_count {
 public:
  [[nodiscard]] std::size_t made() const noexcept { return allocations_made() - made_; }

 private:
  std::size_t made_ = allocations_made();
};

}  // namespace braid_tests

#pragma once

#include <cstddef>

#include "braid/base/detail/sanitizer.hpp"

namespace braid_tests {

/// A sanitizer has an operator new of its own: then nothing is counted, and every count is 0.
inline constexpr bool counts_allocations = BRAID_ASAN == 0 && BRAID_TSAN == 0;

/// Calls of operator new so far, in all threads.
[[nodiscard]] std::size_t allocations_made() noexcept;
/// Those that operator delete has not had back.
[[nodiscard]] std::size_t allocations_alive() noexcept;

/// How many bytes those calls asked for, in all.
[[nodiscard]] std::size_t bytes_allocated() noexcept;

enum class lack_of_memory { once, for_good };
/// The n-th call of operator new from now on, in any thread, throws std::bad_alloc; then none, or all later
/// ones as well. 0 for none.
void fail_allocation(std::size_t n, lack_of_memory lasts = lack_of_memory::once) noexcept;
/// Has it?
[[nodiscard]] bool allocation_failed() noexcept;

/// Counts from its construction. Catch's assertions allocate too: take the number first, check it afterwards.
class allocation_count {
 public:
  [[nodiscard]] std::size_t made() const noexcept { return allocations_made() - made_; }

 private:
  std::size_t made_ = allocations_made();
};

}  // namespace braid_tests

#include "allocations.hpp"

#include <features.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__has_feature)
#define BRAID_BENCH_HAS_FEATURE(x) __has_feature(x)
#else
#define BRAID_BENCH_HAS_FEATURE(x) 0
#endif

#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||    \
    BRAID_BENCH_HAS_FEATURE(address_sanitizer) || BRAID_BENCH_HAS_FEATURE(thread_sanitizer) || \
    BRAID_BENCH_HAS_FEATURE(memory_sanitizer)
#define BRAID_BENCH_COUNTS_ALLOCATIONS 0
#else
#define BRAID_BENCH_COUNTS_ALLOCATIONS 1
#endif

namespace {

std::atomic<bool> counting = false;  // off while time is measured
std::atomic<std::uint64_t> counted = 0;

}  // namespace

#if BRAID_BENCH_COUNTS_ALLOCATIONS

// glibc's own names for its allocator, for a program that replaces malloc and calls the original.
extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
}

namespace {

void note() noexcept {
  if (counting.load(std::memory_order_relaxed)) counted.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// operator new and new[] call these, so nothing is counted twice.
extern "C" {
void* malloc(std::size_t size) noexcept {
  note();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  note();
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) noexcept {
  note();
  return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  note();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  note();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** got, std::size_t alignment, std::size_t size) noexcept {
  note();
  void* const room = __libc_memalign(alignment, size);
  if (!room) return ENOMEM;
  *got = room;
  return 0;
}
}

#endif

namespace bench {
namespace {

std::uint64_t allocations_of(fixture& warmed, std::uint64_t n) {
  counted = 0;
  counting = true;
  warmed.run(n);
  counting = false;
  return counted;
}

}  // namespace

std::optional<double> allocations_per_operation(fixture& warmed, std::uint64_t n) {
  if (!BRAID_BENCH_COUNTS_ALLOCATIONS) return std::nullopt;
  const auto once = static_cast<double>(allocations_of(warmed, n));
  const auto twice = static_cast<double>(allocations_of(warmed, 2 * n));
  return (twice - once) / static_cast<double>(n);
}

}  // namespace bench

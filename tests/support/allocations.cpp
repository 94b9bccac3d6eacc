#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> made{0};
std::atomic<std::size_t> ended{0};
std::atomic<std::size_t> bytes{0};
std::atomic<std::size_t> until_failure{0};
std::atomic<bool> fails_for_good{false};
std::atomic<bool> failed{false};

// Counts one allocation, and makes it fail if its turn has come.
[[maybe_unused]] void count(std::size_t size) {
  bytes.fetch_add(size, std::memory_order_relaxed);
  made.fetch_add(1, std::memory_order_relaxed);
  const bool fails = until_failure.load(std::memory_order_relaxed) != 0 && until_failure.fetch_sub(1) == 1;
  if (fails) failed = true;
  if (fails || (failed && fails_for_good)) {
    ended.fetch_add(1, std::memory_order_relaxed);
    throw std::bad_alloc();
  }
}

}  // namespace

std::size_t braid_tests::bytes_allocated() noexcept { return bytes.load(std::memory_order_relaxed); }
void braid_tests::fail_allocation(std::size_t n, lack_of_memory lasts) noexcept {
  failed = false;
  fails_for_good = lasts == lack_of_memory::for_good;
  until_failure = n;
}
bool braid_tests::allocation_failed() noexcept { return failed; }

std::size_t braid_tests::allocations_made() noexcept { return made.load(std::memory_order_relaxed); }
std::size_t braid_tests::allocations_alive() noexcept {
  return made.load(std::memory_order_relaxed) - ended.load(std::memory_order_relaxed);
}

#if BRAID_ASAN == 0 && BRAID_TSAN == 0

// The other forms of new and delete call these.
void* operator new(std::size_t size) {
  count(size);
  if (void* room = std::malloc(size == 0 ? 1 : size)) return room;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  count(size);
  const auto multiple = static_cast<std::size_t>(alignment);
  if (void* room = std::aligned_alloc(multiple, (size + multiple - 1) / multiple * multiple)) return room;
  throw std::bad_alloc();
}
void operator delete(void* room) noexcept {
  if (room != nullptr) ended.fetch_add(1, std::memory_order_relaxed);
  std::free(room);
}
void operator delete(void* room, std::size_t) noexcept { operator delete(room); }
void operator delete(void* room, std::align_val_t) noexcept { operator delete(room); }
void operator delete(void* room, std::size_t, std::align_val_t) noexcept { operator delete(room); }

#endif

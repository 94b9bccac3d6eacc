#include "stage/allocations.hpp"

#include <cstdlib>
#include <new>

#if defined(__has_feature)
#define STAGE_HAS_FEATURE(x) __has_feature(x)
#else
#define STAGE_HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    STAGE_HAS_FEATURE(address_sanitizer) || STAGE_HAS_FEATURE(thread_sanitizer)
#define STAGE_COUNTS 0
#else
#define STAGE_COUNTS 1
#endif

#if STAGE_COUNTS

namespace {
thread_local constinit std::uint64_t counted = 0;
}

// The array forms and the nothrow forms call this one.
void* operator new(std::size_t size) {
  ++counted;
  if (void* const room = std::malloc(size == 0 ? 1 : size)) return room;
  throw std::bad_alloc();
}
void operator delete(void* room) noexcept { std::free(room); }
void operator delete(void* room, std::size_t) noexcept { std::free(room); }

std::optional<std::uint64_t> stage::allocations() noexcept { return counted; }

#else

std::optional<std::uint64_t> stage::allocations() noexcept { return std::nullopt; }

#endif

#include "braid/base/detail/poison.hpp"

extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* address, std::size_t length);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* address, std::size_t length);
}

namespace braid::detail {

// The linker or the loader fills in these constants, so they are valid before any code runs.
constinit mark_fn* const asan_poisons = &__asan_poison_memory_region;
constinit mark_fn* const asan_unpoisons = &__asan_unpoison_memory_region;

}  // namespace braid::detail

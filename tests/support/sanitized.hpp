#pragma once

#include "braid/base/detail/sanitizer.hpp"
#if BRAID_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace braid_tests {

/// A sanitizer's build runs ten times as long: what goes through many there goes through fewer.
inline constexpr bool sanitized = BRAID_ASAN != 0 || BRAID_TSAN != 0;

}  // namespace braid_tests

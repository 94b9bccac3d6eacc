#pragma once

#include "braid/base/detail/sanitizer.hpp"
#if BRAID_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace braid_tests {

/// A build with a sanitizer takes ten times as long, so long tests repeat less there.
inline constexpr bool sanitized = BRAID_ASAN != 0 || BRAID_TSAN != 0;

}  // namespace braid_tests

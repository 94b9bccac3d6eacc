#pragma once

#include <cstdio>
#include <cstdlib>

/// Assertions are for our own bugs. A user's misuse throws, or calls misused() where throwing is impossible.
///
/// BRAID_ASSERT        O(1), on in every build: the benchmarks measure the build that ships.
/// BRAID_DEBUG_ASSERT  for more expensive checks; on when BRAID_DEBUG is 1, off by default.
#ifndef BRAID_DEBUG
#define BRAID_DEBUG 0
#endif

namespace braid::detail {

/// Prints which condition failed and where, then aborts.
[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* condition, const char* file,
                                                                    int line) noexcept {
  std::fprintf(stderr, "braid: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

/// Reports a user's misuse where throwing is impossible: prints the call and the mistake, then aborts.
[[noreturn, gnu::cold, gnu::noinline]] inline void misused(const char* what) noexcept {
  std::fprintf(stderr, "braid: %s\n", what);
  std::abort();
}

}  // namespace braid::detail

#define BRAID_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::braid::detail::assertion_failed(#condition, __FILE__, __LINE__))

#if BRAID_DEBUG
#define BRAID_DEBUG_ASSERT(condition) BRAID_ASSERT(condition)
#else
#define BRAID_DEBUG_ASSERT(condition) void(0)
#endif

#pragma once

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "sanitized.hpp"

namespace braid_tests {

/// The number of awaits in a row. If each left one byte on the stack they would overflow it eleven times
/// over; under a sanitizer, where each would leave a hundred bytes, a hundred times.
inline constexpr long many = sanitized ? 300'000 : 3'000'000;

/// The depth of nested coroutines. A sanitizer makes the heap several times as large, and 100,000 are enough
/// to fill the small stack, too.
inline constexpr long deep = sanitized ? 100'000 : 1'000'000;

/// The depth for what costs more per level: exceptions, joins.
inline constexpr long fairly_deep = 100'000;

inline constexpr std::size_t small_stack_bytes = 256 << 10;

/// Runs f() on a thread with a stack of 256 KiB, so that a stack that grows overflows soon.
template <class F>
auto on_small_stack(F f) {
  struct job {
    F& f;
    std::optional<decltype(f())> value;
    std::exception_ptr failure;
  } here{f, {}, {}};
  const auto run = [](void* argument) -> void* {
    auto& self = *static_cast<job*>(argument);
    try {
      self.value.emplace(self.f());
    } catch (...) {
      self.failure = std::current_exception();
    }
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, small_stack_bytes);
  pthread_t thread;
  const int failed = pthread_create(&thread, &attributes, run, &here);
  pthread_attr_destroy(&attributes);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), "pthread_create");
  pthread_join(thread, nullptr);
  if (here.failure) std::rethrow_exception(here.failure);
  return *std::move(here.value);
}

}  // namespace braid_tests

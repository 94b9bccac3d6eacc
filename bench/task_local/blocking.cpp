#include "style.hpp"

namespace {

thread_local std::uint64_t one = 1;

/// A thread_local through a call that the compiler cannot inline, as a library offers it.
[[gnu::noinline]] std::uint64_t get() {
  asm volatile("" : "+m"(one));
  return one;
}

struct thread_value {
  std::uint64_t run(std::uint64_t n) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) sum += get();
    return sum;
  }
};

const bench::add<thread_value> here{"task_local", "blocking"};

}  // namespace

#include "style.hpp"

namespace {

/// A plain call that the compiler cannot inline: the least that waiting for a function can cost.
[[gnu::noinline]] std::uint64_t same(std::uint64_t value) {
  asm volatile("" : "+r"(value));
  return value;
}

struct function_call {
  std::uint64_t run(std::uint64_t n) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) sum += same(i);
    return sum;
  }
};

const bench::add<function_call> here{"call", "blocking"};

}  // namespace

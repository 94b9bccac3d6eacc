#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t calls(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < n; ++i) sum += braid::await(braid::just(i));
  return sum;
}

std::uint64_t run_calls(braid::loop& loop, std::uint64_t n) {
  return loop.run(braid::in_fiber([n] { return calls(n); }));
}

const bench::add<bench::with<bench::thread_loop, run_calls>> here{"call", "fiber"};

}  // namespace

#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t run_chains(braid::loop& loop, std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t linked = 0; linked < n; linked += 1000) {
    braid::promise<std::uint64_t> first;
    auto last = first.get_future();
    for (int i = 0; i < 1000; ++i) last = std::move(last).then([](std::uint64_t value) { return value + 1; });
    first.set_value(std::uint64_t{0});
    sum += loop.run(std::move(last));
  }
  return sum;
}

const bench::add<bench::with<bench::thread_loop, run_chains>> here{"then_pending", "future"};

}  // namespace

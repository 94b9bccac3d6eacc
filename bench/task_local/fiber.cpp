#include <braid/braid.hpp>

#include "style.hpp"
#include "task_local/ten_deep.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t reads(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < n; ++i) sum += braid::await(ten_deep::one.get());
  return sum;
}

braid::task<std::uint64_t> reads_in_a_fiber(std::uint64_t n) {
  const auto body = [n] { return reads(n); };
  co_return co_await braid::in_fiber(body);
}

std::uint64_t run_reads(braid::loop& loop, std::uint64_t n) {
  return loop.run(ten_deep::run(reads_in_a_fiber(n)));
}

const bench::add<bench::with<bench::thread_loop, run_reads>> here{"task_local", "fiber"};

}  // namespace

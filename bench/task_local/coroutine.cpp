#include <braid/braid.hpp>

#include "style.hpp"
#include "task_local/ten_deep.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<std::uint64_t> reads(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < n; ++i) sum += co_await ten_deep::one.get();
  co_return sum;
}

std::uint64_t run_reads(braid::loop& loop, std::uint64_t n) { return loop.run(ten_deep::run(reads(n))); }

const bench::add<bench::with<bench::thread_loop, run_reads>> here{"task_local", "coroutine"};

}  // namespace

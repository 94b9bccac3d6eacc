#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<std::uint64_t> nops(std::uint64_t n) {
  std::uint64_t succeeded = 0;
  while (succeeded < n) {
    co_await braid::nop();
    ++succeeded;
  }
  co_return succeeded;
}

std::uint64_t run_nops(braid::loop& loop, std::uint64_t n) { return loop.run(nops(n)); }

const bench::add<bench::with<bench::thread_loop, run_nops>> here{"nop", "coroutine"};

}  // namespace

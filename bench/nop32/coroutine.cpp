#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<> nops(std::uint64_t n, std::uint64_t& succeeded) {
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await braid::nop();
    ++succeeded;
  }
}

std::uint64_t run_nops(braid::loop& loop, std::uint64_t n) {
  std::uint64_t succeeded = 0;
  for (int i = 0; i < 32; ++i)
    braid::detach(nops(n / 32, succeeded));  // as the callbacks, without a stop token
  loop.run();
  return succeeded;
}

const bench::add<bench::with<bench::thread_loop, run_nops>> here{"nop32", "coroutine"};

}  // namespace

#include <braid/braid.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

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
  const auto worker = [&](int) { return nops(n / 32, succeeded); };
  loop.run(braid::when_all(ranges::views::iota(0, 32) | ranges::views::transform(worker)));
  return succeeded;
}

const bench::add<bench::with<bench::thread_loop, run_nops>> here{"nop32", "coroutine"};

}  // namespace

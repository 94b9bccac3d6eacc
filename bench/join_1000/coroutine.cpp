#include <braid/braid.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<std::uint64_t> joins(std::uint64_t n) {
  auto nops = ranges::views::iota(0, 1000) | ranges::views::transform([](int) { return braid::nop(); });
  std::uint64_t succeeded = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await braid::when_all(nops);
    succeeded += 1000;
  }
  co_return succeeded;
}

std::uint64_t run_joins(braid::loop& loop, std::uint64_t n) { return loop.run(joins(n)); }

const bench::add<bench::with<bench::thread_loop, run_joins>> here{"join_1000", "coroutine"};

}  // namespace

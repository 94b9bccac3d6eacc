#include <braid/braid.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct join_after_join {
  bench::thread_loop loop;
  std::uint64_t left = 0;
  std::uint64_t succeeded = 0;

  void next() {
    const auto spawn_nop = [](int) { return braid::spawn(braid::nop()); };
    auto nops = ranges::views::iota(0, 1000) | ranges::views::transform(spawn_nop);
    (void)braid::spawn(braid::when_all(nops)).then([this] {
      succeeded += 1000;
      if (--left > 0) next();
    });
  }

  std::uint64_t run(std::uint64_t n) {
    left = n;
    succeeded = 0;
    next();
    loop->run();
    return succeeded;
  }
};

const bench::add<join_after_join> here{"join_1000", "future"};

}  // namespace

#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct nop_after_nop {
  bench::thread_loop loop;
  std::uint64_t left = 0;
  std::uint64_t succeeded = 0;

  void next() {
    (void)braid::spawn(braid::nop()).then([this] {
      ++succeeded;
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

const bench::add<nop_after_nop> here{"nop", "future"};

}  // namespace

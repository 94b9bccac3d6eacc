#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct nop_after_nop {
  bench::thread_loop loop;
  std::uint64_t left = 0;
  std::uint64_t succeeded = 0;

  void next() {
    braid::start(braid::nop(), [this](braid::result<void> ended) {
      succeeded += ended.has_value();
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

const bench::add<nop_after_nop> here{"nop", "callback"};

}  // namespace

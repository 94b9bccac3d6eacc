#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct join_after_join {
  bench::thread_loop loop;
  std::uint64_t joins_left = 0;
  std::uint64_t nops_left = 0;
  std::uint64_t succeeded = 0;

  void next() {
    nops_left = 1000;
    for (int i = 0; i < 1000; ++i) {
      braid::start(braid::nop(), [this](braid::result<void> ended) {
        succeeded += ended.has_value();
        if (--nops_left == 0 && --joins_left > 0) next();
      });
    }
  }

  std::uint64_t run(std::uint64_t n) {
    joins_left = n;
    succeeded = 0;
    next();
    loop->run();
    return succeeded;
  }
};

const bench::add<join_after_join> here{"join_1000", "callback"};

}  // namespace

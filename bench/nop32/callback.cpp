#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct many_nops {
  bench::thread_loop loop;
  std::uint64_t n = 0;
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;

  void next() {
    ++started;
    braid::start(braid::nop(), [this](braid::result<void> ended) {
      succeeded += ended.has_value();
      if (started < n) next();
    });
  }

  std::uint64_t run(std::uint64_t wanted) {
    n = wanted;
    started = 0;
    succeeded = 0;
    while (started < 32) next();
    loop->run();
    return succeeded;
  }
};

const bench::add<many_nops> here{"nop32", "callback"};

}  // namespace

#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct call_after_call {
  bench::thread_loop loop;
  std::uint64_t n = 0;
  std::uint64_t called = 0;
  std::uint64_t sum = 0;

  void next() {
    braid::start(braid::just(called++), [this](braid::result<std::uint64_t> got) {
      if (got) sum += *got;
      if (called < n) next();
    });
  }

  std::uint64_t run(std::uint64_t wanted) {
    n = wanted;
    called = 0;
    sum = 0;
    next();
    loop->run();
    return sum;
  }
};

const bench::add<call_after_call> here{"call", "callback"};

}  // namespace

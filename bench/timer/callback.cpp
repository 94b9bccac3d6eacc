#include <braid/braid.hpp>
#include <chrono>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using namespace std::chrono_literals;

struct sleep_after_sleep {
  bench::thread_loop loop;
  std::uint64_t left = 0;
  std::uint64_t fired = 0;

  void next() {
    braid::start(braid::sleep_for(1ns), [this](braid::result<void> ended) {
      fired += ended.has_value();
      if (--left > 0) next();
    });
  }

  std::uint64_t run(std::uint64_t n) {
    left = n;
    fired = 0;
    next();
    loop->run();
    return fired;
  }
};

const bench::add<sleep_after_sleep> here{"timer", "callback"};

}  // namespace

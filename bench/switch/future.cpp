#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct two_parties {
  bench::thread_loop loop;
  std::uint64_t turns = 0;

  void next(std::uint64_t& left) {
    (void)braid::spawn(braid::yield()).then([this, &left] {
      ++turns;
      if (--left > 0) next(left);
    });
  }

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t left_of_one = n / 2;
    std::uint64_t left_of_other = n / 2;
    turns = 0;
    next(left_of_one);
    next(left_of_other);
    loop->run();
    return turns;
  }
};

const bench::add<two_parties> here{"switch", "future"};

}  // namespace

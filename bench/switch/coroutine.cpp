#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<> party(std::uint64_t n, std::uint64_t& turns) {
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await braid::yield();
    ++turns;
  }
}

std::uint64_t take_turns(braid::loop& loop, std::uint64_t n) {
  std::uint64_t turns = 0;
  loop.run(braid::when_all(party(n / 2, turns), party(n / 2, turns)));
  return turns;
}

const bench::add<bench::with<bench::thread_loop, take_turns>> here{"switch", "coroutine"};

}  // namespace

#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t take_turns(braid::loop& loop, std::uint64_t n) {
  std::uint64_t turns = 0;
  const auto party = [n, &turns] {
    for (std::uint64_t i = 0; i < n / 2; ++i) {
      braid::await(braid::yield());
      ++turns;
    }
  };
  loop.run(braid::when_all(braid::in_fiber(party), braid::in_fiber(party)));
  return turns;
}

const bench::add<bench::with<bench::thread_loop, take_turns>> here{"switch", "fiber"};

}  // namespace

#include <braid/braid.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

#include "any_10000/race.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using bench::race;

braid::task<std::uint64_t> races(std::uint64_t n) {
  const auto runner = [](std::uint64_t i) { return braid::sleep_for(race::time_of(i)); };
  auto runners = ranges::views::iota(0U, race::runners) | ranges::views::transform(runner);
  std::uint64_t winners = 0;
  for (std::uint64_t begun = 0; begun < n; begun += race::runners)
    winners += (co_await braid::when_any(runners)).index;
  co_return winners;
}

std::uint64_t run_races(braid::loop& loop, std::uint64_t n) { return loop.run(races(n)); }

const bench::add<bench::with<bench::thread_loop, run_races>> here{"any_10000", "coroutine"};

}  // namespace

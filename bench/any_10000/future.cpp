#include <braid/braid.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>

#include "any_10000/race.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using bench::race;

struct race_after_race {
  bench::thread_loop loop;
  std::uint64_t races_left = 0;
  std::uint64_t winners = 0;

  void next() {
    const auto runner = [](std::uint64_t i) { return braid::spawn(braid::sleep_for(race::time_of(i))); };
    auto first = braid::when_any(ranges::views::iota(0U, race::runners) | ranges::views::transform(runner));
    (void)braid::spawn(std::move(first)).then([this](auto ended) {
      winners += ended.index;
      if (--races_left > 0) next();
    });
  }

  std::uint64_t run(std::uint64_t n) {
    races_left = n / race::runners;
    winners = 0;
    next();
    loop->run();
    return winners;
  }
};

const bench::add<race_after_race> here{"any_10000", "future"};

}  // namespace

// Many operations at once: all of them end, and a second run leaves no more memory in use than the first.

#include <chrono>
#include <cstddef>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Calls f() once to fill the pools, and then once more.
template <class F>
void twice_with_flat_memory(F f) {
  f();
  const std::size_t alive = allocations_alive();
  f();
  const std::size_t alive_afterwards = allocations_alive();
  CHECK(alive_afterwards <= alive);
}

}  // namespace

TEST_CASE("when_any: the winner of 10,000 operations cancels 9,999", "[when_any][scale]") {
  loop here;
  twice_with_flat_memory([&] {
    constexpr std::size_t count = 10'000, first = 7'777;
    event happened, never;
    std::vector<decltype(never.wait())> waiting;
    for (std::size_t n = 0; n < count; ++n) waiting.push_back(n == first ? happened.wait() : never.wait());
    here.post([&] { happened.set(); });
    const std::size_t winner = here.run(when_any(std::move(waiting))).index;
    CHECK(winner == first);
  });
}

TEST_CASE("sleep_for: half of 100,000 timers are cancelled", "[sleep][scale]") {
  loop here;
  twice_with_flat_memory([&] {
    constexpr int pairs = 50'000;
    stop_source stop;
    int slept = 0, stopped = 0;
    for (int n = 0; n < pairs; ++n) {
      start(sleep_for(std::chrono::microseconds(n % 100)),
            [&](result<void> ended) { slept += ended.has_value(); });
      start(with_stop_token(sleep_for(1h + std::chrono::seconds(n * 7919 % pairs)), stop.get_token()),
            [&](result<void> ended) { stopped += ended.error() == std::errc::operation_canceled; });
    }
    stop.request_stop();
    here.run();
    CHECK(slept == pairs);
    CHECK(stopped == pairs);
  });
}

TEST_CASE("when_all_settled: one stop request ends 100,000 operations", "[when_all_settled][scale]") {
  loop here;
  twice_with_flat_memory([&] {
    event never;
    stop_source stop;
    std::vector<decltype(never.wait())> waiting;
    for (int n = 0; n < 100'000; ++n) waiting.push_back(never.wait());
    here.post([&] { stop.request_stop(); });
    const auto all =
        here.run(as_result(with_stop_token(when_all_settled(std::move(waiting)), stop.get_token())));
    CHECK(all->size() == 100'000);
  });
}

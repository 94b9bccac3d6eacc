#include "braid/style/spawn.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Runs until stop is requested. It polls the token, so no operation's cancellation ends it sooner.
task<long> counts_until_stopped() {
  const stop_token token = co_await get_stop_token();
  long turns = 0;
  for (; !token.stop_requested(); ++turns) (void)co_await as_result(yield());
  co_return turns;
}

}  // namespace

TEST_CASE("spawn: the operation begins at once, without a waiter", "[spawn]") {
  loop here;
  bool begun = false;
  auto running = spawn([&]() -> task<int> {
    begun = true;
    co_await yield();
    co_return 1;
  });
  CHECK(begun);
  CHECK_FALSE(running.is_ready());
  here.run();
  REQUIRE(running.is_ready());
  CHECK(here.run(std::move(running)) == 1);
}

TEST_CASE("spawn: without a loop it is a logic_error that names the call", "[spawn]") {
  CHECK_THROWS_AS((void)spawn(nop()), std::logic_error);
  CHECK_THROWS_WITH((void)spawn(nop()), contains("spawn"));
}

TEST_CASE("spawn: a stop request reaches a task that polls its token", "[spawn][stop]") {
  loop here;
  auto counting = spawn(counts_until_stopped());
  for (int i = 0; i < 3; ++i) here.run(yield());
  counting.request_stop();
  CHECK(here.run(std::move(counting)) >= 3);
}

TEST_CASE("spawn: a stop request from another thread reaches it while the loop runs",
          "[spawn][stop][thread]") {
  loop here;
  auto counting = spawn(counts_until_stopped());
  std::thread elsewhere([&] { counting.request_stop(); });
  here.run();
  elsewhere.join();
  CHECK(counting.is_ready());
}

TEST_CASE("spawn: stop requests from another thread race with the operation's end, and either wins",
          "[spawn][stop][thread]") {
  loop here;
  int ended = 0;
  for (int i = 0; i < 300; ++i) {
    auto racing = spawn([&]() -> task<void> {
      co_await nop();
      co_await sleep_for(1us);
      co_await yield();
    });
    std::thread elsewhere([&] { racing.request_stop(); });
    here.run();
    elsewhere.join();
    const auto end = here.run(as_result(std::move(racing)));
    ended += end || end.error() == std::errc::operation_canceled;
  }
  CHECK(ended == 300);
}

TEST_CASE("spawn: the error of a dropped future shows where it was spawned", "[spawn]") {
  loop here;
  std::vector<error> unhandled;
  here.on_unhandled_error([&](const error& why) { unhandled.push_back(why); });
  const auto spawned = std::source_location::current().line() + 2;
  {
    auto dropped = spawn([]() -> task<void> {
      co_await nop();
      throw std::runtime_error("lost");
    });
  }
  here.run();
  REQUIRE(unhandled.size() == 1);
  CHECK(unhandled[0].message() == "lost");
  REQUIRE(unhandled[0].stack().size() == 2);
  CHECK(unhandled[0].stack()[0].line() == spawned + 1);
  CHECK(unhandled[0].stack()[1].line() == spawned);
}

TEST_CASE("spawn: the loop's end destroys a waiting operation and cancels its future", "[spawn]") {
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  promise<void> never;
  std::optional<future<void>> outlives;
  {
    loop here;
    outlives.emplace(spawn([owned = std::move(owned), waiting = never.get_future()]() mutable -> task<void> {
      co_await std::move(waiting);
    }));
    here.run(yield());
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
  REQUIRE(outlives->is_ready());
  const auto ended = capture([&] { std::move(*outlives).get(); });
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
  never.set_value();
}

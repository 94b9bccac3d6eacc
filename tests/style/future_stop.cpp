// Futures and chains that are stopped, or whose loop ends.

#include "braid/style/future.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "braid/combine/when_all.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("future: request_stop reaches the operation, through links and flattened senders",
          "[future][stop]") {
  loop here;
  auto direct = spawn(sleep_for(1h));
  direct.request_stop();
  CHECK(here.run(as_result(std::move(direct))).error() == std::errc::operation_canceled);

  auto linked = spawn(sleep_for(1h)).then([] { return 1; }).then([](int n) { return n + 1; });
  linked.request_stop();
  CHECK(here.run(as_result(std::move(linked))).error() == std::errc::operation_canceled);

  bool begun = false;
  auto flattened = make_ready_future(1).then([&](int) {
    begun = true;
    return sleep_for(1h);
  });
  while (!begun) here.run(yield());
  flattened.request_stop();
  CHECK(here.run(as_result(std::move(flattened))).error() == std::errc::operation_canceled);
}

TEST_CASE("future: an operation that a stopped chain begins later ends as cancelled", "[future][stop]") {
  loop here;
  auto chain = spawn(shield(yield())).then([] { return sleep_for(1h); });
  chain.request_stop();
  CHECK(here.run(as_result(std::move(chain))).error() == std::errc::operation_canceled);

  auto longer =
      spawn(shield(yield())).then([] { return shield(yield()); }).then([] { return sleep_for(1h); });
  longer.request_stop();
  CHECK(here.run(as_result(std::move(longer))).error() == std::errc::operation_canceled);

  auto caught = spawn(sleep_for(1h)).catch_error([](const error&) { return sleep_for(1h); });
  caught.request_stop();
  CHECK(here.run(as_result(std::move(caught))).error() == std::errc::operation_canceled);

  auto in_time = spawn(shield(yield())).then([] { return 1; });
  in_time.request_stop();
  CHECK(here.run(std::move(in_time)) == 1);
}

TEST_CASE("future: request_stop may come from another thread", "[future][stop]") {
  loop here;
  auto sleeping = spawn(sleep_for(1h));
  std::thread elsewhere([&] { sleeping.request_stop(); });
  elsewhere.join();
  CHECK(here.run(as_result(std::move(sleeping))).error() == std::errc::operation_canceled);
}

TEST_CASE("future: a stopped await leaves a promise that cannot be stopped", "[future][stop]") {
  loop here;
  promise<int> never;
  auto awaiting =
      spawn([waiting = never.get_future()]() mutable -> task<int> { co_return co_await std::move(waiting); });
  here.run(yield());
  awaiting.request_stop();
  CHECK(here.run(as_result(std::move(awaiting))).error() == std::errc::operation_canceled);
  never.set_value(1);
  here.run();
}

TEST_CASE("future: the loop's end cancels waiting links and destroys their captures", "[future]") {
  promise<int> outlives;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  {
    loop here;
    auto last =
        outlives.get_future().then([held = std::move(held)](int n) { return n + *held; }).then([](int) {});
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
  outlives.set_value(1);
}

TEST_CASE("future: the loop's end may destroy the waiter of a future that is being settled",
          "[future][ending]") {
  promise<void> never, held;
  auto first = never.get_future();
  auto second = held.get_future();
  bool went_on = false;
  {
    loop here;
    detach([&] {
      return when_all(
          // The end of the first task destroys `held`, which settles the future that the second one waits
          // for.
          [](future<void> waited, promise<void>) -> task<> { co_await std::move(waited); }(std::move(first),
                                                                                           std::move(held)),
          [](future<void> waited, bool& went) -> task<> {
            (void)co_await as_result(std::move(waited));
            went = true;
          }(std::move(second), went_on));
    });
    here.turn(false);
    here.turn(false);
  }
  CHECK_FALSE(went_on);
}

TEST_CASE("future: may be settled on another thread while the loop ends", "[future][ending][threads]") {
  const bool chained = GENERATE(true, false);
  std::atomic<promise<void>*> next{nullptr};
  std::atomic<bool> no_more{false};
  std::atomic<int> settled{0};
  std::thread settler([&] {
    for (int round = 0; !no_more; ++round) {
      promise<void>* mine = next.exchange(nullptr);
      if (mine == nullptr) continue;
      for (int n = 0; n < round % 20; ++n) std::this_thread::yield();
      mine->set_value();
      ++settled;
    }
  });
  constexpr int rounds = 500;
  for (int n = 0; n < rounds; ++n) {
    promise<void> held;
    {
      loop here(loop_options{.entries = 4});
      here.on_unhandled_error([](const error&) {});
      if (chained) {
        (void)held.get_future().then([] {});
      } else {
        detach([](future<void> waited) -> task<> { co_await std::move(waited); }(held.get_future()));
        here.turn(false);
      }
      next = &held;
    }
    while (settled != n + 1) std::this_thread::yield();
  }
  no_more = true;
  settler.join();
  CHECK(settled == rounds);
}

TEST_CASE("future: the endless operation of a step is destroyed with its loop", "[future][ending]") {
  promise<void> never;
  std::optional<future<void>> chained;
  const auto witness = std::make_shared<int>(0);
  {
    loop here;
    chained.emplace(make_ready_future(1).then([&](int) {
      return [](future<void> waits, std::shared_ptr<int>) -> task<> { co_await std::move(waits); }(
                                                              never.get_future(), witness);
    }));
    here.run();
    CHECK(witness.use_count() == 2);
  }
  CHECK(witness.use_count() == 1);
  CHECK(chained->is_ready());
}

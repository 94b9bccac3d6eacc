#include "braid/style/future.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
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

namespace {

future<int> failed(error why) {
  promise<int> settled;
  auto made = settled.get_future();
  settled.set_error(std::move(why));
  return made;
}
future<int> thrown(const char* what) { return failed(std::make_exception_ptr(std::runtime_error(what))); }

template <class T>
result<T> ended(future<T> waiting) {
  return loop::current().run(as_result(std::move(waiting)));
}

task<int> plus_one(int n) {
  co_await yield();
  co_return n + 1;
}

// Collects the errors that the loop's unhandled-error handler gets.
std::vector<error>& collect_unhandled(loop& from, std::vector<error>& into) {
  from.on_unhandled_error([&into](const error& failure) { into.push_back(failure); });
  return into;
}

}  // namespace

TEST_CASE("future: a continuation never runs inside the call that attached it", "[future]") {
  loop here;
  bool ran = false;
  auto last = make_ready_future(1).then([&](int) { ran = true; });
  CHECK_FALSE(ran);
  auto caught = thrown("no").catch_error([&](const error&) {
    CHECK(ran);
    return 0;
  });
  bool at_last = false;
  auto after = make_ready_future().finally([&] { at_last = true; });
  CHECK_FALSE(at_last);
  here.run();
  CHECK(ran);
  CHECK(at_last);
  CHECK(last.is_ready());
  CHECK(ended(std::move(caught)).value() == 0);
}

TEST_CASE("future: a continuation does not run inside the call that settles the promise",
          "[future][promise]") {
  loop here;
  promise<int> later;
  bool ran = false;
  auto last = later.get_future().then([&](int) { ran = true; });
  later.set_value(1);
  CHECK_FALSE(ran);
  here.run();
  CHECK(ran);
  CHECK(last.is_ready());
}

TEST_CASE("future: then gets the value, and a sender that it returns is flattened", "[future]") {
  loop here;
  CHECK(ended(make_ready_future(1).then([](int n) { return n + 1; })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return make_ready_future(n + 1); })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return plus_one(n); })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return just(n + 1); })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return spawn(plus_one(n)); })).value() == 2);
  CHECK(ended(make_ready_future().then([] { return std::string("from nothing"); })).value() ==
        "from nothing");
  CHECK(ended(make_ready_future(std::make_unique<int>(4)).then([](std::unique_ptr<int> n) {
          return *n;
        })).value() == 4);
  CHECK(ended(make_ready_future(1).then([](int) {})));
  CHECK(ended(make_ready_future(1).then([](int) { return nop(); })));
}

TEST_CASE("future: an error skips then, and catch_error replaces it by a value", "[future]") {
  loop here;
  bool ran = false;
  auto passed = ended(thrown("first").then([&](int n) { return ran = true, n; }));
  CHECK_FALSE(ran);
  REQUIRE_FALSE(passed);
  CHECK(passed.error().message() == "first");

  CHECK(ended(failed(std::errc::timed_out).catch_error([](const error& why) {
          return why == std::errc::timed_out ? 5 : 0;
        })).value() == 5);
  CHECK(ended(thrown("x").catch_error([](const error&) { return make_ready_future(6); })).value() == 6);
  CHECK(ended(thrown("x").catch_error([](const error&) { return plus_one(6); })).value() == 7);
  CHECK(ended(make_ready_future(8).catch_error([](const error&) { return 0; })).value() == 8);
}

TEST_CASE("future: catch_error may rethrow the error or throw another", "[future]") {
  loop here;
  auto same = ended(thrown("first").catch_error([](const error& why) -> int { why.rethrow(); }));
  REQUIRE_FALSE(same);
  CHECK(same.error().message() == "first");
  auto other =
      ended(thrown("first").catch_error([](const error&) -> int { throw std::logic_error("second"); }));
  REQUIRE_FALSE(other);
  CHECK(other.error().message() == "second");
}

TEST_CASE("future: an exception in then is the error of the new future", "[future]") {
  loop here;
  auto plain = ended(make_ready_future(1).then([](int) -> int { throw std::runtime_error("in then"); }));
  REQUIRE_FALSE(plain);
  CHECK(plain.error().message() == "in then");
  auto instead_of_a_task =
      ended(make_ready_future(1).then([](int) -> task<int> { throw std::runtime_error("before the task"); }));
  REQUIRE_FALSE(instead_of_a_task);
  CHECK(instead_of_a_task.error().message() == "before the task");
  auto in_task = ended(make_ready_future(1).then([](int) -> task<int> {
    co_await yield();
    throw std::runtime_error("in the task");
  }));
  REQUIRE_FALSE(in_task);
  CHECK(in_task.error().message() == "in the task");
}

TEST_CASE("future: finally runs after a value and after an error, and changes only by throwing", "[future]") {
  loop here;
  int ran = 0;
  CHECK(ended(make_ready_future(1).finally([&] { ++ran; })).value() == 1);
  auto error_kept = ended(thrown("first").finally([&] { ++ran; }));
  REQUIRE_FALSE(error_kept);
  CHECK(error_kept.error().message() == "first");
  CHECK(ended(make_ready_future().finally([&] { ++ran; })));
  CHECK(ran == 3);
  auto replaced = ended(make_ready_future(1).finally([] { throw std::runtime_error("at last"); }));
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().message() == "at last");
}

TEST_CASE("future: a coroutine lambda given to then lives until its task has ended", "[future]") {
  loop here;
  std::vector<int> order;
  auto last = make_ready_future(1)
                  .then([&order, step = 1](int n) -> task<int> {
                    co_await yield();
                    order.push_back(step);
                    co_return n;
                  })
                  .then([&](int n) {
                    order.push_back(2);
                    return n;
                  });
  CHECK(ended(std::move(last)).value() == 1);
  CHECK(order == std::vector{1, 2});
}

TEST_CASE("future: the operation goes on when its future is dropped", "[future][spawn]") {
  loop here;
  bool done = false;
  {
    auto dropped = spawn([&]() -> task<void> {
      co_await yield();
      co_await nop();
      done = true;
    });
  }
  CHECK_FALSE(done);
  here.run();
  CHECK(done);
}

TEST_CASE("future: the error of a dropped future is reported once, whenever it was dropped", "[future]") {
  loop here;
  std::vector<error> unhandled;
  collect_unhandled(here, unhandled);
  {
    auto pending = spawn([]() -> task<int> {
      co_await yield();
      throw std::runtime_error("later");
    });
  }
  { auto settled = thrown("earlier"); }
  {
    auto end_of_chain = thrown("linked").then([](int n) { return n; });
  }
  {
    auto handled = thrown("handled").catch_error([](const error&) { return 0; });
  }
  here.run();
  REQUIRE(unhandled.size() == 3);
  CHECK(unhandled[0].message() == "earlier");
  CHECK(((unhandled[1].message() == "later") != (unhandled[2].message() == "later")));
  CHECK(((unhandled[1].message() == "linked") != (unhandled[2].message() == "linked")));
}

TEST_CASE("future: get on a loop's thread is a logic_error that names the call", "[future]") {
  loop here;
  auto waiting = make_ready_future(1);
  CHECK_THROWS_AS(std::move(waiting).get(), std::logic_error);
  CHECK_THROWS_WITH(std::move(waiting).get(), contains("future::get"));
  CHECK(waiting.valid());
  CHECK(ended(std::move(waiting)).value() == 1);
}

TEST_CASE("future: get blocks another thread until the loop has settled it", "[future]") {
  loop here;
  auto spawned = spawn([]() -> task<std::string> {
    co_await sleep_for(1us);
    co_return "from the loop";
  });
  std::string got;
  std::string failure;
  std::thread elsewhere([&, waiting = std::move(spawned), bad = thrown("bad")]() mutable {
    got = std::move(waiting).get();
    try {
      std::move(bad).get();
    } catch (const std::runtime_error& e) {
      failure = e.what();
    }
  });
  here.run();
  elsewhere.join();
  CHECK(got == "from the loop");
  CHECK(failure == "bad");
}

TEST_CASE("future: every function of a moved-from future is a logic_error that names the call", "[future]") {
  loop here;
  auto moved = make_ready_future(1);
  const auto owner = std::move(moved);
  CHECK_FALSE(moved.valid());
  CHECK(owner.valid());
  CHECK_THROWS_WITH(moved.is_ready(), contains("future::is_ready"));
  CHECK_THROWS_WITH(moved.request_stop(), contains("future::request_stop"));
  CHECK_THROWS_WITH(std::move(moved).get(), contains("future::get"));
  CHECK_THROWS_WITH((void)std::move(moved).then([](int) {}), contains("future::then"));
  CHECK_THROWS_WITH((void)std::move(moved).catch_error([](const error&) { return 0; }),
                    contains("future::catch_error"));
  CHECK_THROWS_WITH((void)std::move(moved).finally([] {}), contains("future::finally"));
  CHECK_THROWS_AS(here.run(std::move(moved)), std::logic_error);
  auto awaited = here.run(as_result([&]() -> task<int> { co_return co_await std::move(moved); }));
  REQUIRE_FALSE(awaited);
  CHECK_THROWS_AS(awaited.error().rethrow(), std::logic_error);
}

TEST_CASE("future: then on a thread without a loop is a logic_error that names the call", "[future]") {
  auto waiting = make_ready_future(1);
  CHECK_THROWS_WITH((void)std::move(waiting).then([](int) {}), contains("future::then"));
  CHECK(std::move(waiting).get() == 1);
}

TEST_CASE("future: request_stop reaches the operation, through links and flattened senders",
          "[future][stop]") {
  loop here;
  auto direct = spawn(sleep_for(1h));
  direct.request_stop();
  CHECK(ended(std::move(direct)).error() == std::errc::operation_canceled);

  auto linked = spawn(sleep_for(1h)).then([] { return 1; }).then([](int n) { return n + 1; });
  linked.request_stop();
  CHECK(ended(std::move(linked)).error() == std::errc::operation_canceled);

  bool begun = false;
  auto flattened = make_ready_future(1).then([&](int) {
    begun = true;
    return sleep_for(1h);
  });
  while (!begun) here.run(yield());
  flattened.request_stop();
  CHECK(ended(std::move(flattened)).error() == std::errc::operation_canceled);
}

TEST_CASE("future: an operation that a stopped chain begins later ends as cancelled", "[future][stop]") {
  loop here;
  auto chain = spawn(shield(yield())).then([] { return sleep_for(1h); });
  chain.request_stop();
  CHECK(ended(std::move(chain)).error() == std::errc::operation_canceled);

  auto longer =
      spawn(shield(yield())).then([] { return shield(yield()); }).then([] { return sleep_for(1h); });
  longer.request_stop();
  CHECK(ended(std::move(longer)).error() == std::errc::operation_canceled);

  auto caught = spawn(sleep_for(1h)).catch_error([](const error&) { return sleep_for(1h); });
  caught.request_stop();
  CHECK(ended(std::move(caught)).error() == std::errc::operation_canceled);

  auto in_time = spawn(shield(yield())).then([] { return 1; });
  in_time.request_stop();
  CHECK(ended(std::move(in_time)).value() == 1);
}

TEST_CASE("future: request_stop may come from another thread", "[future][stop]") {
  loop here;
  auto sleeping = spawn(sleep_for(1h));
  std::thread elsewhere([&] { sleeping.request_stop(); });
  elsewhere.join();
  CHECK(ended(std::move(sleeping)).error() == std::errc::operation_canceled);
}

TEST_CASE("future: a stopped await leaves a promise that cannot be stopped", "[future][stop]") {
  loop here;
  promise<int> never;
  auto awaiting =
      spawn([waiting = never.get_future()]() mutable -> task<int> { co_return co_await std::move(waiting); });
  here.run(yield());
  awaiting.request_stop();
  CHECK(ended(std::move(awaiting)).error() == std::errc::operation_canceled);
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

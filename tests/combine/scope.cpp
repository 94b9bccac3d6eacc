#include "braid/combine/scope.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "ends_elsewhere.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Counts itself and the two subtrees.
task<> tree(scope& within, int& count, int depth) {
  co_await yield();
  for (int i = 0; depth > 0 && i < 2; ++i) within.spawn(tree(within, count, depth - 1));
  ++count;
}

}  // namespace

TEST_CASE("with_scope: gives the function's value once all children have ended", "[scope]") {
  IN_EVERY_STYLE(style);
  int ended = 0;
  const auto child = [&]() -> task<> {
    co_await yield();
    co_await yield();
    ++ended;
  };
  const auto got = style.wait(with_scope([&](scope& s) -> task<std::string> {
    s.spawn(child);
    co_await yield();
    s.spawn(child);
    CHECK(ended == 0);
    co_return "done";
  }));
  CHECK(got.value() == "done");
  CHECK(ended == 2);
}

TEST_CASE("with_scope: the function may return a value, a sender, a task, a fiber or nothing", "[scope]") {
  int ended = 0;
  const auto child = [&]() -> task<> {
    co_await yield();
    ++ended;
  };
  run(with_scope([&](scope& s) { s.spawn(child); }));
  CHECK(run(with_scope([&](scope& s) { return s.spawn(child), 1; })) == 1);
  CHECK(run(with_scope([&](scope& s) { return s.spawn(child), just(2); })) == 2);
  CHECK(run(with_scope([&](scope& s) { return s.spawn(later(3)); })) == 3);
  CHECK(run(with_scope([&](scope& s) {
          return in_fiber([&] {
            auto four = s.spawn(later(4));
            s.spawn(in_fiber([&] { await(child()); }));
            return await(std::move(four));
          });
        })) == 4);
  CHECK(ended == 4);
}

TEST_CASE("with_scope: is one operation for a callback", "[scope]") {
  loop here;
  std::vector<std::string> log;
  start(with_scope([&](scope& s) {
          start(s.spawn(yield()), [&](result<void>) { log.push_back("step"); });
          s.spawn(sleep_for(1ms));
          log.push_back("begun");
          return just();
        }),
        [&](result<void> ended) { log.push_back(ended ? "ended" : ended.error().message()); });
  CHECK(log == std::vector<std::string>{"begun"});
  here.run();
  CHECK(log == std::vector<std::string>{"begun", "step", "ended"});
}

TEST_CASE("with_scope: nested scopes and their failures end from the inside outwards", "[scope]") {
  std::vector<std::string> ended;
  const auto child = [&](const char* name, int turns) -> task<> {
    for (int i = 0; i < turns; ++i) co_await yield();
    ended.emplace_back(name);
  };
  run(with_scope([&](scope& outer) -> task<> {
    outer.spawn(child("outer child", 5));
    co_await with_scope([&](scope& inner) {
      outer.spawn(child("child of the outer, spawned inside", 6));
      inner.spawn(child("inner child", 2));
    });
    ended.emplace_back("inner scope");
  }));
  CHECK(ended == std::vector<std::string>{"inner child", "inner scope", "outer child",
                                          "child of the outer, spawned inside"});
  int cancelled = 0;
  const auto got = run(as_result(with_scope([&](scope& outer) {
    outer.spawn([&] { return sleeps(cancelled); });
    outer.spawn(with_scope([&](scope& inner) {
      inner.spawn([&] { return sleeps(cancelled); });
      inner.spawn(fails("innermost"));
    }));
  })));
  CHECK(got.error().message() == "innermost");
  CHECK(cancelled == 2);
}

TEST_CASE("scope::spawn: children may spawn more children, also after the function has ended", "[scope]") {
  int ended = 0;
  run(with_scope([&](scope& s) { s.spawn(tree(s, ended, 9)); }));
  CHECK(ended == 1023);
}

TEST_CASE("scope::spawn: its future gives the value, or may be dropped", "[scope]") {
  const int sum = run(with_scope([](scope& s) -> task<int> {
    future<int> one = s.spawn(later(1));
    auto two = s.spawn(later(2));
    s.spawn(later(100));
    auto three = s.spawn(later(2)).then([](int n) { return later(n + 1); });
    co_return co_await std::move(one) + co_await std::move(two) + co_await std::move(three);
  }));
  CHECK(sum == 6);
}

TEST_CASE("scope::spawn: a future outlives the scope", "[scope]") {
  loop here;
  std::optional<future<int>> kept, failed;
  const auto got = here.run(as_result(with_scope([&](scope& s) -> task<> {
    kept.emplace(s.spawn(later(1)));
    failed.emplace(s.spawn([]() -> task<int> {
      co_await sleep_for(1ms);
      throw std::runtime_error("late");
    }));
    co_return;
  })));
  CHECK(got.error().message() == "late");
  CHECK(here.run(std::move(*kept)) == 1);
  CHECK(here.run(as_result(std::move(*failed))).error().message() == "late");
}

TEST_CASE("scope::spawn: once the scope is stopped a child ends as cancelled without being begun",
          "[scope][stop]") {
  loop here;
  bool begun = false;
  const auto child = [&]() -> task<int> {
    begun = true;
    co_return 1;
  };
  const auto got = here.run(as_result(with_scope([&](scope& s) -> task<int> {
    s.request_stop();
    const auto refused = co_await as_result(s.spawn(child));
    CHECK(refused.error() == std::errc::operation_canceled);
    CHECK(refused.error().call() == "scope::spawn");
    co_return 2;
  })));
  CHECK(got.value() == 2);
  CHECK_FALSE(begun);
}

TEST_CASE("scope::spawn: on an ended scope or another thread it is a logic_error", "[scope]") {
  loop here;
  scope* ended = nullptr;
  recorded op(with_scope([&](scope& s) {
    ended = &s;
    std::thread([&] {
      CHECK_THROWS_WITH(s.spawn(nop()), contains("scope::spawn: this is not the thread"));
    }).join();
  }));
  op.start();
  REQUIRE(op.done());
  CHECK(op.result());
  CHECK_THROWS_WITH(ended->spawn(nop()), contains("scope::spawn: the scope has ended"));
}

TEST_CASE("with_scope: without a loop it is a logic_error that names the call", "[scope]") {
  recorded op(with_scope([](scope&) { FAIL("called"); }));
  op.start();
  CHECK_THROWS_AS(op.result().error().rethrow(), std::logic_error);
  CHECK_THAT(op.result().error().message(), contains("with_scope"));
}

TEST_CASE("scope: a child that ends on another thread is delivered to the home loop", "[scope][thread]") {
  loop here;
  const auto home = std::this_thread::get_id();
  const int sum = here.run(with_scope([&](scope& s) -> task<int> {
    auto ending = s.spawn(ends_elsewhere{1});
    s.spawn(ends_elsewhere{0});
    promise<int> settled;
    std::thread elsewhere([&] { settled.set_value(2); });
    auto other = s.spawn(settled.get_future());
    const int first = co_await std::move(ending);
    const int second = co_await std::move(other);
    CHECK(std::this_thread::get_id() == home);
    elsewhere.join();
    co_return first + second;
  }));
  CHECK(sum == 3);
}

TEST_CASE("scope: a child's locals are destroyed before the scope ends, although its future is kept",
          "[scope]") {
  loop here;
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  std::optional<future<int>> kept;
  here.run(with_scope([&](scope& s) {
    auto child = [held = std::move(owned)]() -> task<int> {
      co_await yield();
      co_return *held;
    };
    kept.emplace(s.spawn(std::move(child)));
  }));
  CHECK(watch.expired());
  CHECK(here.run(std::move(*kept)) == 1);
}

TEST_CASE("scope: runs 10,000 children", "[scope]") {
  int ended = 0;
  run(with_scope([&](scope& s) {
    for (int i = 0; i < 10'000; ++i)
      s.spawn([&]() -> task<> {
        co_await yield();
        ++ended;
      });
  }));
  CHECK(ended == 10'000);
  int cancelled = 0;
  const auto got = run(as_result(with_scope([&](scope& s) -> task<> {
    for (int i = 0; i < 10'000; ++i) s.spawn([&] { return sleeps(cancelled); });
    co_await yield();
    throw std::runtime_error("enough");
  })));
  CHECK(got.error().message() == "enough");
  CHECK(cancelled == 10'000);
}

TEST_CASE("scope: an idle child costs its state, its coroutine frame and little more",
          "[scope][allocation]") {
  if (!counts_allocations) return;
  constexpr std::size_t children = 100;
  std::size_t of_tasks = 0, of_sleeps = 0;
  std::thread([&] {  // on a thread with an empty pool
    loop here;
    event over;
    const auto idle = [](event& until) -> task<> { co_await until.wait(); };
    here.run(with_scope([&](scope& within) {
      (void)within.spawn(idle(over));
      const std::size_t before = bytes_allocated();
      for (std::size_t i = 0; i < children; ++i) (void)within.spawn(idle(over));
      const std::size_t between = bytes_allocated();
      for (std::size_t i = 0; i < children; ++i) (void)within.spawn(sleep_for(1h));
      of_tasks = (between - before) / children;
      of_sleeps = (bytes_allocated() - between) / children;
      over.set();
      within.request_stop();
    }));
  })
      .join();
  CHECK(of_tasks <= 632);  // measured with g++; with clang 576
  CHECK(of_sleeps <= 416);
}

TEST_CASE("scope: a child costs no allocation once the pools are warm", "[scope][allocation]") {
  if (!counts_allocations) return;
  loop here;
  const auto once = [&] {
    here.run(with_scope([](scope& s) -> task<> {
      for (int i = 0; i < 10; ++i) s.spawn(later(i));
      auto kept = s.spawn(sleep_for(1h));
      co_await yield();
      kept.request_stop();
    }));
  };
  for (int i = 0; i < 100; ++i) once();
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  CHECK(made == 0);
}

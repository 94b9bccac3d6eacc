#include "braid/combine/for_each_concurrent.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/shield.hpp"
#include "catch.hpp"
#include "combine/room.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"
#include "sanitized.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// A loop on another thread.
class elsewhere {
 public:
  elsewhere() {
    promise<loop*> made;
    auto there = made.get_future();
    thread_ = std::thread([this, &made] {
      loop here;
      made.set_value(&here);
      (void)here.run(as_result(with_stop_token(sleep_for(24h), over_.get_token())));
    });
    where = loop::current().run(std::move(there));
  }
  ~elsewhere() {
    over_.request_stop();
    thread_.join();
  }
  loop* where = nullptr;

 private:
  stop_source over_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("for_each_concurrent: handles every element, never more at once than the limit",
          "[for_each_concurrent]") {
  IN_EVERY_STYLE(style);
  room visited;
  std::vector<int> seen;
  const auto visit = [&](int n) -> task<> {
    const room::guest here(visited);
    for (int turns = n % 3; turns >= 0; --turns) co_await yield();
    seen.push_back(n);
  };
  CHECK(style.wait(for_each_concurrent(std::views::iota(0, 20), 4, visit)));
  CHECK(visited.most == 4);
  std::sort(seen.begin(), seen.end());
  CHECK(std::ranges::equal(seen, std::views::iota(0, 20)));
}

TEST_CASE("for_each_concurrent: takes a limit above the size of the range, and an empty range",
          "[for_each_concurrent]") {
  room visited;
  const auto visit = [&](int) -> task<> {
    const room::guest here(visited);
    co_await yield();
  };
  const std::vector<int> three(3);
  run(for_each_concurrent(three, static_cast<std::size_t>(-1), visit));
  CHECK(visited.most == 3);
  run(for_each_concurrent(std::vector<int>(), 3, visit));
  CHECK(visited.total == 3);
}

TEST_CASE("for_each_concurrent: a limit of 0 is an invalid_argument, and nothing is begun",
          "[for_each_concurrent]") {
  int begun = 0;
  const auto ended =
      run(as_result(for_each_concurrent(std::views::iota(0), 0, [&](int) { return ++begun, just(); })));
  CHECK_THROWS_AS(ended.value(), std::invalid_argument);
  CHECK_THAT(ended.error().message(), contains("for_each_concurrent"));
  CHECK(begun == 0);
}

TEST_CASE("for_each_concurrent: without a loop it is a logic_error that names the call",
          "[for_each_concurrent]") {
  recorded op(for_each_concurrent(std::vector<int>{1}, 1, [](int) { return just(); }));
  op.start();
  CHECK_THROWS_AS(op.result().value(), std::logic_error);
  CHECK_THAT(op.result().error().message(), contains("for_each_concurrent"));
}

TEST_CASE("for_each_concurrent: the first error stops the others and is the result once they have ended",
          "[for_each_concurrent][stop]") {
  room visited;
  int stopped = 0, produced = 0;
  const auto visit = [&](int n) -> task<> {
    const room::guest here(visited);
    if (n == 2) {
      co_await yield();
      throw std::runtime_error("the first");
    }
    stopped += !co_await as_result(sleep_for(24h));
    (void)co_await as_result(yield());
    if (n == 1) throw std::runtime_error("on the way out");
  };
  const auto endless = std::views::iota(0) | std::views::transform([&](int n) { return ++produced, n; });
  const auto ended = run(as_result(for_each_concurrent(endless, 4, visit)));
  CHECK(ended.error().message() == "the first");
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK(ended.error().suppressed()[0].message() == "on the way out");
  CHECK(visited.total == 4);
  CHECK(visited.inside == 0);
  CHECK(stopped == 3);
  CHECK(produced == 4);
}

TEST_CASE("for_each_concurrent: an exception from the function is its element's error",
          "[for_each_concurrent]") {
  int calls = 0;
  const auto ended = run(as_result(for_each_concurrent(std::views::iota(0), 3, [&](int n) {
    ++calls;
    if (n == 5) throw std::runtime_error("at 5");
    return just();
  })));
  CHECK(ended.error().message() == "at 5");
  CHECK(calls == 6);
}

TEST_CASE("for_each_concurrent: operations that never end are destroyed with the loop",
          "[for_each_concurrent][stop]") {
  room visited;
  promise<void> never;
  {
    loop here;
    auto end = never.get_future();
    detach(for_each_concurrent(std::vector<int>{1}, 3, [&](int) -> task<> {
      const room::guest in(visited);
      co_await shield(std::move(end));
    }));
    here.run(yield());
    CHECK(visited.inside == 1);
  }
  CHECK(visited.inside == 0);
}

TEST_CASE(
    "for_each_concurrent: elements and operations that end on another thread are delivered to the home loop",
    "[for_each_concurrent][thread]") {
  loop here;
  const elsewhere other;
  const auto home = std::this_thread::get_id();
  int at_home = 0;
  const auto there = [&, to = other.where](int) {
    at_home += std::this_thread::get_id() == home;
    return [](loop& far) -> task<> { co_await resume_on(far); }(*to);
  };
  here.run(for_each_concurrent(std::views::iota(0, 50), 4, there));
  CHECK(at_home == 50);

  struct far_numbers {
    loop* far;
    int at = 0;
    task<std::optional<int>> next() {
      co_await resume_on(*far);
      co_return at == 50 ? std::nullopt : std::optional(at++);
    }
  };
  here.run(for_each_concurrent(far_numbers{other.where}, 4, there));
  CHECK(at_home == 100);
}

TEST_CASE("for_each_concurrent: 1,000,000 operations that end at once take constant stack and memory",
          "[for_each_concurrent][stack][allocation]") {
  const int count = sanitized ? 100'000 : 1'000'000;
  const auto [visited, allocated] = on_small_stack([&] {
    loop here;
    int calls = 0;
    struct at_once {
      int at, end;
      auto next() { return just(at == end ? std::nullopt : std::optional(at++)); }
    };
    const auto visit = [&](int) { return ++calls, just(); };
    const auto visit_in_task = [&](int) -> task<> {
      ++calls;
      co_return;
    };
    here.run(for_each_concurrent(std::views::iota(0, 10), 4, visit_in_task));
    calls = 0;
    const allocation_count made;
    here.run(for_each_concurrent(std::views::iota(0, count), 4, visit));
    here.run(for_each_concurrent(std::views::iota(0, count), 1, visit_in_task));
    here.run(for_each_concurrent(at_once{0, count}, 4, visit));
    return std::pair(calls, made.made());
  });
  CHECK(visited == 3 * count);
  CHECK(allocated <= 3);
}

TEST_CASE("for_each_concurrent: can be stopped at each suspension", "[for_each_concurrent][stop]") {
  const auto visit = [](int n) -> task<> {
    for (int left = n % 3; left > 0; --left) co_await yield();
  };
  CHECK(every_cancellation([&] { return for_each_concurrent(std::views::iota(0, 9), 3, visit); }) > 5);
}

#include "braid/combine/task_group.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task_local.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "ends_elsewhere.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> after(int turns, int value) {
  const auto held = std::make_unique<int>(value);  // a frame that is not destroyed shows as a leak
  for (; turns > 0; --turns) co_await yield();
  co_return *held;
}
task<int> sleeps_and_counts(int& cancelled) {
  co_await sleeps(cancelled);
  co_return 0;
}

}  // namespace

TEST_CASE("task_group: results are received in the order in which the children end", "[task_group]") {
  IN_EVERY_STYLE(style);
  std::vector<int> got;
  const auto body = [&](task_group<int>& all) -> task<std::size_t> {
    for (const int turns : {3, 1, 5, 2, 4}) all.spawn(after(turns, turns));
    while (const auto next = co_await all.next()) got.push_back(**next);
    co_return got.size();
  };
  CHECK(style.wait(with_group<int>(body)).value() == 5);
  CHECK(got == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("task_group: takes void, references and move-only values", "[task_group]") {
  const auto voids = [](task_group<void>& all) -> task<int> {
    all.spawn(yield());
    all.spawn(just());
    int ended = 0;
    while (const auto next = co_await all.next()) ended += next->has_value();
    co_return ended;
  };
  CHECK(run(with_group<void>(voids)) == 2);
  int n = 0;
  const auto references = [&](task_group<int&>& all) -> task<> {
    all.spawn([&]() -> task<int&> {
      co_await yield();
      co_return n;
    });
    const auto next = co_await all.next();
    CHECK(&**next == &n);
  };
  run(with_group<int&>(references));
  const auto owners = [](task_group<std::unique_ptr<int>>& all) -> task<std::unique_ptr<int>> {
    all.spawn([]() -> task<std::unique_ptr<int>> {
      co_await yield();
      co_return std::make_unique<int>(4);
    });
    std::optional<result<std::unique_ptr<int>>> next = co_await all.next();
    co_return std::move(*next).value();
  };
  CHECK(*run(with_group<std::unique_ptr<int>>(owners)) == 4);
}

TEST_CASE("task_group: next is empty while nothing runs and nothing is left, and goes on after a spawn",
          "[task_group]") {
  const auto body = [](task_group<int>& all) -> task<> {
    const bool before = (co_await all.next()).has_value();
    CHECK_FALSE(before);
    all.spawn(just(1));  // ends at once
    all.spawn(after(2, 2));
    const auto first = co_await all.next();
    const auto second = co_await all.next();
    const auto third = co_await all.next();
    CHECK(**first == 1);
    CHECK(**second == 2);
    CHECK_FALSE(third);
    all.spawn(just(3));
    const auto fourth = co_await all.next();
    CHECK(**fourth == 3);
  };
  run(with_group<int>(body));
}

TEST_CASE("task_group: a child's failure is a result, and the others go on", "[task_group]") {
  IN_EVERY_STYLE(style);
  const auto body = [](task_group<int>& all) -> task<std::string> {
    all.spawn(fails("one"));
    all.spawn(after(3, 3));
    std::string got;
    while (const auto next = co_await all.next())
      got += *next ? std::to_string(**next) : next->error().message() + " ";
    co_return got;
  };
  CHECK(style.wait(with_group<int>(body)).value() == "one 3");
}

TEST_CASE("task_group: a value that the function did not receive is dropped, before and after its end",
          "[task_group]") {
  IN_EVERY_STYLE(style);
  auto owned = std::make_shared<int>(1);
  const auto gives = [&owned](int turns) -> task<std::shared_ptr<int>> {
    for (; turns > 0; --turns) co_await yield();
    co_return owned;
  };
  const auto body = [&](task_group<std::shared_ptr<int>>& all) -> task<> {
    all.spawn(gives(0));
    all.spawn(gives(1));
    all.spawn(gives(9));
    co_await yield();
    co_await yield();
  };
  CHECK(style.wait(with_group<std::shared_ptr<int>>(body)));
  CHECK(owned.use_count() == 1);
}

TEST_CASE("task_group: an error that the function did not receive fails the group and stops the others",
          "[task_group]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto queued = [&](task_group<int>& all) -> task<> {
    all.spawn(after(1, 1));
    all.spawn(fails("queued"));
    all.spawn([&] { return sleeps_and_counts(cancelled); });
    (void)co_await all.next();
    for (int n = 0; n < 3; ++n) co_await yield();
  };
  auto ended = style.wait(with_group<int>(queued));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "queued");
  CHECK(cancelled == 1);
  const auto late = [&](task_group<int>& all) {
    all.spawn([&] { return sleeps_and_counts(cancelled); });
    all.spawn(fails("late"));
    all.spawn(shield([] { return fails("later"); }));
  };
  ended = style.wait(with_group<int>(late));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "late");
  CHECK(ended.error().suppressed().size() == 1);
  CHECK(cancelled == 2);
}

TEST_CASE("task_group: the function's failure stops the children", "[task_group]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto body = [&](task_group<int>& all) -> task<> {
    all.spawn(fails("as received"));
    all.spawn([&] { return sleeps_and_counts(cancelled); });
    const auto next = co_await all.next();
    next->value();  // throws
  };
  const auto ended = style.wait(with_group<int>(body));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "as received");
  CHECK(ended.error().suppressed().empty());
  CHECK(cancelled == 1);
}

TEST_CASE("task_group: request_stop cancels the rest; what fn returns is the value", "[task_group][stop]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto body = [&](task_group<int>& all) -> task<int> {
    all.spawn(after(1, 7));
    all.spawn([&] { return sleeps_and_counts(cancelled); });
    const auto first = co_await all.next();
    all.request_stop();
    all.spawn(after(1, 8));  // refused
    const auto second = co_await shield(all.next());
    CHECK(second->error() == std::errc::operation_canceled);
    CHECK_FALSE(second->error().is_requested_cancellation());
    co_return **first;
  };
  CHECK(style.wait(with_group<int>(body)).value() == 7);
  CHECK(cancelled == 1);
}

TEST_CASE("task_group: a stop from outside cancels fn and the children, and the group is cancelled",
          "[task_group][stop]") {
  IN_EVERY_STYLE(style);
  int cancelled = 0;
  const auto body = [&](task_group<int>& all) -> task<> {
    for (int n = 0; n < 3; ++n) all.spawn([&] { return sleeps_and_counts(cancelled); });
    while (co_await all.next()) {}
  };
  const auto ended = style.wait(with_timeout(with_group<int>(body), 1ms));
  CHECK(ended.error() == std::errc::timed_out);
  CHECK(cancelled == 3);
}

TEST_CASE("task_group: one child is stopped by a token of its own", "[task_group][stop]") {
  int cancelled = 0;
  const auto body = [&](task_group<int>& all) -> task<> {
    stop_source stop;
    all.spawn(with_stop_token([&] { return sleeps_and_counts(cancelled); }, stop.get_token()));
    all.spawn(after(3, 3));
    stop.request_stop();
    int values = 0, cancellations = 0;
    while (const auto next = co_await all.next()) ++(*next ? values : cancellations);
    CHECK(values == 1);
    CHECK(cancellations == 1);
  };
  run(with_group<int>(body));
  CHECK(cancelled == 1);
}

TEST_CASE("task_group: a cancelled next takes no result", "[task_group][stop]") {
  IN_EVERY_STYLE(style);
  const auto body = [](task_group<int>& all) -> task<int> {
    all.spawn(after(6, 1));
    for (int n = 0; n < 3; ++n) {
      stop_source stop;
      auto stopped = as_result(with_stop_token(all.next(), stop.get_token()));
      auto stopping = just_from([&] { stop.request_stop(); });
      const auto [ended, nothing] = co_await when_all(std::move(stopped), std::move(stopping));
      CHECK(ended.error() == std::errc::operation_canceled);
      CHECK(ended.error().call() == "task_group::next");
    }
    const auto next = co_await all.next();
    co_return **next;
  };
  CHECK(style.wait(with_group<int>(body)).value() == 1);
}

TEST_CASE("task_group: a next that is destroyed after the hand-over gives its result back", "[task_group]") {
  loop here;
  using next_of = decltype(std::declval<task_group<int>&>().next());
  std::optional<recorded<next_of>> first;
  const auto body = [&](task_group<int>& all) -> task<> {
    all.spawn(after(1, 1));
    first.emplace(all.next());
    first->start();
    // The child ends in this turn, before the await below goes on: the waiting next is served, not finished.
    co_await yield();
    first.reset();
    const auto next = co_await all.next();
    CHECK(**next == 1);
  };
  here.run(with_group<int>(body));
}

TEST_CASE("task_group: several nexts are served in their order", "[task_group]") {
  const auto body = [](task_group<int>& all) -> task<> {
    all.spawn(after(2, 1));
    all.spawn(after(3, 2));
    const auto [first, second, third] = co_await when_all(all.next(), all.next(), all.next());
    CHECK(**first == 1);
    CHECK(**second == 2);
    CHECK_FALSE(third);
  };
  run(with_group<int>(body));
}

TEST_CASE("task_group: children may spawn more, also after the function has ended", "[task_group]") {
  int ended = 0;
  const auto body = [&](task_group<int>& all) {
    all.spawn([&]() -> task<int> {
      co_await yield();
      all.spawn([&]() -> task<int> {
        co_await yield();
        co_return ++ended;
      });
      co_return ++ended;
    });
  };
  run(with_group<int>(body));
  CHECK(ended == 2);
}

TEST_CASE("task_group: a task_local value flows into the children", "[task_group]") {
  static const task_local<int> local(0);
  const auto reads = []() -> task<int> {
    co_await yield();
    co_return co_await local.get();
  };
  const auto body = [&](task_group<int>& all) -> task<int> {
    all.spawn(reads);
    const auto next = co_await all.next();
    co_return **next;
  };
  CHECK(run(with(local, 7, with_group<int>(body))) == 7);
}

TEST_CASE("task_group: a child that ends on another thread is delivered to the home loop",
          "[task_group][thread]") {
  loop here;
  const auto home = std::this_thread::get_id();
  const auto body = [&](task_group<int>& all) -> task<int> {
    all.spawn(ends_elsewhere{20});
    all.spawn(ends_elsewhere{22});
    int sum = 0;
    while (const auto next = co_await all.next()) {
      sum += **next;
      CHECK(std::this_thread::get_id() == home);
    }
    co_return sum;
  };
  CHECK(here.run(with_group<int>(body)) == 42);
}

TEST_CASE("task_group: misuse is a logic_error that names the call", "[task_group]") {
  recorded without(with_group<int>([](task_group<int>&) { FAIL("called"); }));
  without.start();
  CHECK_THAT(without.result().error().message(), contains("with_group"));
  loop here;
  task_group<int>* ended = nullptr;
  recorded op(with_group<int>([&](task_group<int>& all) {
    ended = &all;
    std::thread([&] { CHECK_THROWS_WITH(all.spawn(just(1)), contains("not the thread")); }).join();
  }));
  op.start();
  REQUIRE(op.done());
  CHECK_THROWS_WITH(ended->spawn(just(1)), contains("has ended"));
}

TEST_CASE("task_group: can be stopped at each suspension", "[task_group][stop]") {
  const auto body = [](task_group<int>& all) -> task<int> {
    for (int n = 0; n < 3; ++n) all.spawn(after(n, n));
    int sum = 0;
    while (const auto next = co_await all.next()) sum += next->value();
    co_return sum;
  };
  CHECK(every_cancellation([&]() -> task<> {
          const int sum = co_await with_group<int>(body);
          CHECK(sum == 3);
        }) > 5);
  const auto leaves = [](task_group<int>& all) -> task<> {  // results are queued when it ends
    for (int n = 0; n < 4; ++n) all.spawn(after(n, n));
    const auto first = co_await all.next();
    first->value();
    co_await yield();
  };
  every_cancellation([&] { return with_group<int>(leaves); });
}

TEST_CASE("task_group: 100,000 tasks leave no memory in use", "[task_group][allocation]") {
  const auto body = [](task_group<int>& all) -> task<long> {
    for (int n = 0; n < 100'000; ++n) all.spawn(later(1));
    long sum = 0;
    while (const auto next = co_await all.next()) sum += **next;
    co_return sum;
  };
  loop here;
  CHECK(here.run(with_group<int>(body)) == 100'000);
  if (!counts_allocations) return;
  const std::size_t before = allocations_alive();
  CHECK(here.run(with_group<int>(body)) == 100'000);
  const std::size_t after = allocations_alive();
  CHECK(after <= before);
}

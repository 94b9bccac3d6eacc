#include "braid/style/task_local.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/for_each_concurrent.hpp"
#include "braid/combine/retry.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/current_async_stack.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

const task_local<int> level(1);
const task_local<std::string> name("none");

task<int> level_below(int tasks) {
  if (tasks == 0) co_return co_await level.get();
  co_await yield();
  co_return co_await level_below(tasks - 1);
}

}  // namespace

TEST_CASE("task_local: without a with it is what it was made with", "[task_local]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(level.get()).value() == 1);
  CHECK(style.wait(name.get()).value() == "none");
  CHECK(style.wait(level_below(3)).value() == 1);
}

TEST_CASE("with: its value reaches the operation in every style, and the innermost counts", "[task_local]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(with(level, 2, level.get())).value() == 2);
  CHECK(style.wait(with(level, 2, level_below(3))).value() == 2);
  CHECK(style.wait(with(level, 2, with(level, 3, level_below(1)))).value() == 3);
  CHECK(style.wait(with(level, 2, with(name, "page", level_below(1)))).value() == 2);
  CHECK(style.wait(with(name, "page", [] { return level_below(1); })).value() == 1);
}

TEST_CASE("with: passes values and errors on", "[task_local]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(with(level, 2, just(5))).value() == 5);
  CHECK(style.wait(with(level, 2, just())));
  CHECK(style.wait(with(level, 2, just_error<int>(std::errc::io_error))).error() == std::errc::io_error);
  int there = 0;
  CHECK(&style.wait(with(level, 2, just_from([&]() -> int& { return there; }))).value() == &there);
}

TEST_CASE("task_local: the value ends with its with", "[task_local]") {
  loop here;
  here.run([]() -> task<> {
    const int inside = co_await with(level, 2, level_below(0));
    const int outside = co_await level.get();
    CHECK(inside == 2);
    CHECK(outside == 1);
  });
}

TEST_CASE("task_local: get copies the value, and passes on what the copy throws", "[task_local]") {
  struct fragile {
    fragile() = default;
    fragile(const fragile& other) : shared(other.shared) {
      if (shared != nullptr) throw std::runtime_error("no copy");
    }
    fragile(fragile&&) = default;
    std::shared_ptr<int> shared;
  };
  static const task_local<fragile> broken;
  static const task_local<std::shared_ptr<int>> box;
  IN_EVERY_STYLE(style);
  auto seven = std::make_shared<int>(7);
  CHECK(style.wait(with(box, seven, box.get())).value() == seven);
  CHECK(style.wait(box.get()).value() == nullptr);
  CHECK(style.wait(broken.get()));
  fragile given;
  given.shared = seven;
  const auto failed = style.wait(with(broken, std::move(given), broken.get()));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message() == "no copy");
}

TEST_CASE("task_local: flows into fibers, and from a fiber on", "[task_local]") {
  loop here;
  const auto ask = [] { return await(level.get()) * 10 + await(level_below(2)); };
  CHECK(here.run(with(level, 2, in_fiber(ask))) == 22);
  CHECK(here.run(in_fiber([&] { return await(with(level, 3, in_fiber(ask))); })) == 33);
}

TEST_CASE("task_local: flows into joins, retries, time-outs and walks", "[task_local]") {
  loop here;
  here.run(with(level, 2, []() -> task<> {
    const auto [first, second, third] =
        co_await when_all(level_below(1), with(level, 3, level_below(1)), level.get());
    CHECK(first == 2);
    CHECK(second == 3);
    CHECK(third == 2);
    const int timed = co_await with_timeout(level_below(1), 1h);
    CHECK(timed == 2);
    int attempts = 0;
    const auto attempt = [&]() -> task<int> {
      if (++attempts < 3) throw std::system_error(std::make_error_code(std::errc::connection_reset));
      return level_below(1);
    };
    const retry_policy three{.attempts = 3};
    const int retried = co_await retry(three, attempt);
    CHECK(retried == 2);
    const std::vector<int> numbers{1, 2, 3};
    int sum = 0;
    const auto add = [&](int n) -> task<> { sum += n * co_await level.get(); };
    co_await for_each_concurrent(numbers, 2, add);
    CHECK(sum == 12);
  }));
}

TEST_CASE("task_local: flows into the children of a scope, from where the scope was opened", "[task_local]") {
  loop here;
  std::vector<int> seen;
  const auto child = [&]() -> task<> {
    const int mine = co_await level_below(1);
    seen.push_back(mine);
  };
  here.run(with(level, 2, with_scope([&](scope& s) -> task<> {
                  s.spawn(child());
                  s.spawn(with(level, 3, child()));
                  co_return;
                })));
  CHECK(seen == std::vector{2, 3});
}

TEST_CASE("task_local: what is spawned, started or detached sees no value but its own", "[task_local]") {
  loop here;
  std::vector<int> seen;
  const auto ask = [&]() -> task<> {
    const int mine = co_await level_below(1);
    seen.push_back(mine);
  };
  here.run(with(level, 2, [&]() -> task<> {
    auto bare = spawn(ask());
    auto given = spawn(with(level, 3, ask()));
    detach(ask());
    start(level_below(1), [&](result<int> ended) { seen.push_back(*ended); });
    co_await std::move(bare);
    co_await std::move(given);
  }));
  here.run();
  std::ranges::sort(seen);
  CHECK(seen == std::vector{1, 1, 1, 3});
}

TEST_CASE("task_local: a generator and a shared task see the values of the task that waits", "[task_local]") {
  loop here;
  const auto levels = []() -> async_generator<int> {
    for (;;) co_yield co_await level_below(1);
  };
  const auto once = []() -> shared_task<int> { co_return co_await level_below(1); };
  here.run([&]() -> task<> {
    auto each = levels();
    auto in_two = with(level, 2, each.next());
    const auto first = co_await std::move(in_two);
    const auto second = co_await each.next();
    CHECK(*first == 2);
    CHECK(*second == 1);
    auto shared = once();
    auto waiting = with(level, 4, shared);
    const int got = co_await std::move(waiting);
    CHECK(got == 4);
  });
}

TEST_CASE("task_local: a task on another loop sees the values of its callers", "[task_local][thread]") {
  loop here;
  loop* other = nullptr;
  event arrived;
  stop_source done;
  std::thread elsewhere([&] {
    loop there;
    other = &there;
    here.post([&] { arrived.set(); });
    try {
      there.run(with_stop_token(sleep_for(24h), done.get_token()));
    } catch (const std::system_error&) {}
  });
  const int seen = here.run(with(level, 5, [&]() -> task<int> {
    co_await arrived.wait();
    co_await resume_on(*other);
    co_return co_await level_below(0);
  }));
  done.request_stop();
  elsewhere.join();
  CHECK(seen == 5);
}

TEST_CASE("with: no stack and no error shows its frame", "[task_local][async_stack]") {
  loop here;
  const async_stack bare = here.run(current_async_stack());
  const async_stack below = here.run(with(level, 2, current_async_stack()));
  CHECK(below.frames.size() == bare.frames.size());
  CHECK(below.is_whole);
}

TEST_CASE("with: can be stopped at each suspension", "[task_local][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    const int got = co_await with(level, 2, [] { return level_below(3); });
    CHECK(got == 2);
  });
  CHECK(suspensions == 4);
}

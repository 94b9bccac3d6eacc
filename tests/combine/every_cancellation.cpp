// Stops every join at each of its suspensions, and ends its loop at each of them.

#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/first_ok.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_allocation.hpp"
#include "every_cancellation.hpp"
#include "read_pipe.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> after(int turns, int value) {
  const auto held = std::make_unique<int>(value);  // a frame that is not destroyed shows as a leak
  for (; turns > 0; --turns) co_await yield();
  co_await nop();
  co_return *held;
}
task<int> failing_after(int turns) {
  co_await after(turns, 0);
  throw std::runtime_error("as it should");
}

}  // namespace

TEST_CASE("when_all: can be stopped at each suspension", "[when_all][stop]") {
  CHECK(every_cancellation([]() -> task<> {
          auto [a, b, c] = co_await when_all(after(3, 1), after(0, 2), after(2, 3));
          CHECK(a + b + c == 6);
          std::vector<task<int>> many;
          for (int n = 0; n < 3; ++n) many.push_back(after(n, n));
          const auto all = co_await when_all(std::move(many));
          CHECK(all.size() == 3);
        }) > 5);
}

TEST_CASE("when_all: can be stopped at each suspension while it fails", "[when_all][stop]") {
  every_cancellation([]() -> task<> {
    const auto failed = co_await as_result(when_all(after(4, 1), failing_after(1), failing_after(2)));
    CHECK_FALSE(failed);
    if (failed.error() == std::errc::operation_canceled) failed.error().rethrow();
  });
}

TEST_CASE("when_all_settled: can be stopped at each suspension", "[when_all_settled][stop]") {
  every_cancellation([]() -> task<> {
    const auto [a, b, c] = co_await when_all_settled(after(2, 1), failing_after(1), after(3, 3));
    CHECK_FALSE(b);
    if (!a) a.error().rethrow();
    if (!c) c.error().rethrow();
  });
}

TEST_CASE("when_any, first_ok: can be stopped at each suspension", "[when_any][first_ok][stop]") {
  every_cancellation([]() -> task<> {
    auto first = co_await when_any(after(5, 1), after(1, 2), sleep_for(1h));
    CHECK(first.index == 1);
    std::vector<task<int>> many;
    many.push_back(failing_after(0));
    many.push_back(after(3, 5));
    many.push_back(after(5, 6));
    const auto good = co_await first_ok(std::move(many));
    if (memory_lasts()) CHECK(good.value == 5);
  });
}

TEST_CASE("with_deadline: nested deadlines can be stopped at each suspension", "[with_timeout][stop]") {
  every_cancellation([]() -> task<> {
    const int in_time = co_await with_timeout(with_deadline(after(2, 7), loop_clock::now() + 1h), 2h);
    CHECK(in_time == 7);
    event never;
    const auto late = co_await as_result(with_timeout(with_timeout(never.wait(), 1ms), 1h));
    CHECK_FALSE(late);
    if (late.error() == std::errc::operation_canceled) late.error().rethrow();
    CHECK(late.error() == std::errc::timed_out);
  });
}

TEST_CASE("with_stop_token: two nested tokens can be stopped at each suspension", "[with_stop_token][stop]") {
  every_cancellation([]() -> task<> {
    stop_source other;
    const int value = co_await with_stop_token(after(2, 1), other.get_token());
    CHECK(value == 1);
  });
}

TEST_CASE("future: a chain can be stopped at each suspension", "[future][stop]") {
  every_cancellation([]() -> task<> {
    auto chained = spawn(after(2, 1))
                       .then([](int value) { return after(1, value + 1); })
                       .catch_error([](const error& failure) -> int { failure.rethrow(); })
                       .finally([] {});
    const int value = co_await std::move(chained);
    CHECK(value == 2);
  });
}

TEST_CASE("fiber: a join in a fiber can be stopped at each suspension", "[fiber][stop]") {
  every_cancellation([] {
    return in_fiber([] {
      const auto held = std::make_unique<int>(1);
      const auto [a, b] = await(when_all(after(2, 1), after(1, 2)));
      await(yield());
      CHECK(a + b == 3);
    });
  });
}

TEST_CASE("start: a handler that starts the next operation can be stopped at each suspension",
          "[start][stop]") {
  every_cancellation([]() -> task<> {
    event done;
    int last = 0;
    start(after(1, 1), [&](result<int> first) {
      try {
        if (!first && !memory_lasts()) return done.set();
        if (!first) return;
        start(after(*first, 2), [&](result<int> second) {
          if (!second && memory_lasts()) return;
          last = second.value_or(0);
          done.set();
        });
      } catch (const std::bad_alloc&) {
        done.set();
      }
    });
    co_await shield(done.wait());  // the handlers above refer to locals of this coroutine
    if (memory_lasts()) CHECK(last == 2);
  });
}

TEST_CASE("read: can be stopped at each suspension with a buffer that is destroyed afterwards",
          "[read_some][stop][kernel]") {
  every_cancellation([]() -> task<> {
    read_pipe pipe;
    const auto reads = [&]() -> task<> {
      const auto room = std::make_unique<std::array<std::byte, 64>>();
      const std::size_t got = co_await pipe.reader.read_some(*room);
      CHECK(got > 0);
    };
    const auto writes = [&]() -> task<> {
      co_await after(2, 0);
      pipe.write("hello");
    };
    const auto gives_up = [&]() -> task<> {
      const auto late = co_await as_result(with_timeout(reads(), 1ms));
      if (!late && late.error() == std::errc::operation_canceled) late.error().rethrow();
    };
    co_await gives_up();
    co_await when_all(reads(), writes());
  });
}

TEST_CASE("offload: can be stopped at each suspension", "[offload][stop]") {
  every_cancellation([]() -> task<> {
    int on_pool = 0;
    const auto counts = [&] { return ++on_pool; };
    const int counted = co_await offload(counts);
    CHECK(counted == 1);
    co_await yield();
  });
}

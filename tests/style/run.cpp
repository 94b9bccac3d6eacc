#include "braid/style/run.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "descriptors.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("run: makes a loop for the call if the thread has none, and destroys it", "[run]") {
  const auto before = open_descriptors();
  CHECK(run(just(1)) == 1);
  CHECK_NOTHROW(run(nop()));
  CHECK_THROWS_AS(run(just_error<int>(std::errc::io_error)), std::system_error);
  CHECK(loop::current_or_null() == nullptr);
  CHECK(open_descriptors() == before);
}

TEST_CASE("run: uses the thread's loop if there is one, and leaves its other work there", "[run]") {
  loop here;
  bool later = false;
  start(sleep_for(20ms), [&](result<void>) { later = true; });
  CHECK(run(just(1)) == 1);
  CHECK_FALSE(later);
  here.run();
  CHECK(later);
}

TEST_CASE("run: inside a running loop it is a logic_error that names the call, in every style", "[run]") {
  const auto refused = [] { CHECK_THROWS_WITH(run(just(1)), contains("run")); };
  loop here;
  here.post(refused);
  start(nop(), [&](result<void>) { refused(); });
  detach([&]() -> task<void> {
    co_await nop();
    refused();
  });
  auto ready = spawn(nop()).then(refused);
  here.run(in_fiber([&] {
    refused();
    CHECK_THROWS_AS(run(nop()), std::logic_error);
    CHECK_THROWS_AS(loop::current().run(), std::logic_error);
  }));
  here.run();
}

TEST_CASE("run: the end of the call's own loop cancels what was started within the call", "[run]") {
  bool cancelled = false;
  run([&]() -> task<void> {
    start(sleep_for(1h),
          [&](result<void> ended) { cancelled = ended.error() == std::errc::operation_canceled; });
    co_return;
  });
  CHECK(cancelled);
}

TEST_CASE("run: on a loop of another thread it is a logic_error", "[run]") {
  loop here;
  std::string what;
  std::thread([&] {
    try {
      here.run(just(1));
    } catch (const std::logic_error& e) {
      what = e.what();
    }
  }).join();
  CHECK_THAT(what, contains("run: this loop belongs to another thread"));
}

TEST_CASE("run: the same loop runs again after an operation failed", "[run]") {
  loop here;
  CHECK_THROWS_AS(here.run(just_error<int>(std::errc::io_error)), std::system_error);
  CHECK_THROWS_AS(here.run([]() -> task<int> {
    co_await nop();
    throw std::runtime_error("x");
  }),
                  std::runtime_error);
  CHECK_FALSE(here.running());
  CHECK(here.run(just(2)) == 2);
}

#include "braid/style/shield.hpp"

#include <stdexcept>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEMPLATE_LIST_TEST_CASE("shield: passes values and errors on", "[shield]", every_style) {
  CHECK(TestType::wait(shield(just(1))).value() == 1);
  CHECK(TestType::wait(shield(just_error<int>(std::errc::io_error))).error() == std::errc::io_error);
}

TEST_CASE("shield: its operation runs to its end, and the next await is stopped", "[shield][stop]") {
  loop here;
  event go_on;
  bool cleaned_up = false;
  bool went_on = false;
  auto running = spawn([&]() -> task<> {
    co_await shield([&]() -> task<> {
      const stop_token token = co_await get_stop_token();
      CHECK_FALSE(token.stop_possible());
      co_await go_on.wait();
      cleaned_up = true;
    });
    co_await yield();
    went_on = true;
  });
  here.run(yield());
  running.request_stop();
  here.run();
  CHECK_FALSE(cleaned_up);
  go_on.set();
  CHECK(here.run(as_result(std::move(running))).error() == std::errc::operation_canceled);
  CHECK(cleaned_up);
  CHECK_FALSE(went_on);
}

TEST_CASE("shield: can be stopped at each suspension", "[shield][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    int steps = 0;
    co_await shield([&]() -> task<> {
      for (; steps < 3; ++steps) co_await yield();
    });
    CHECK(steps == 3);
    co_await yield();
  });
  CHECK(suspensions == 5);
}

#include "braid/schedule/stop_requested.hpp"

#include <thread>

#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("stop_requested: completes once stop is requested", "[stop_requested][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  stop_source stop;
  here.post([&] { stop.request_stop(); });
  CHECK(style.wait(with_stop_token(stop_requested(), stop.get_token())));
}

TEST_CASE("stop_requested: completes in a turn if stop was requested before", "[stop_requested][stop]") {
  IN_EVERY_STYLE(style);
  stop_source stop;
  stop.request_stop();
  CHECK(style.wait(with_stop_token(stop_requested(), stop.get_token())));
}

TEST_CASE("stop_requested: completes after a request from another thread", "[stop_requested][stop][thread]") {
  IN_EVERY_STYLE(style);
  loop here;
  stop_source stop;
  std::thread elsewhere([&] { stop.request_stop(); });
  CHECK(style.wait(with_stop_token(stop_requested(), stop.get_token())));
  elsewhere.join();
}

TEST_CASE("stop_requested: the awaits that follow are cancelled", "[stop_requested][stop]") {
  loop here;
  bool heard = false;
  bool went_on = false;
  auto running = spawn([&]() -> task<> {
    co_await stop_requested();
    heard = true;
    co_await yield();
    went_on = true;
  });
  here.run(yield());
  CHECK_FALSE(heard);
  running.request_stop();
  CHECK(here.run(as_result(std::move(running))).error() == std::errc::operation_canceled);
  CHECK(heard);
  CHECK_FALSE(went_on);
}

TEST_CASE("stop_requested: is no work of its loop, and ends with it", "[stop_requested]") {
  bool went_on = false;
  {
    loop here;
    detach([&]() -> task<> {
      co_await stop_requested();
      went_on = true;
    });
    here.run();  // returns
  }
  CHECK_FALSE(went_on);
}

TEST_CASE("stop_requested: may be destroyed with a request on its way", "[stop_requested][stop][thread]") {
  stop_source stop;
  {
    loop here;
    detach(with_stop_token(stop_requested(), stop.get_token()));
    here.run(yield());
    std::thread([&] { stop.request_stop(); }).join();
  }
  {
    stop_source again;
    loop here;
    detach(with_stop_token(stop_requested(), again.get_token()));
    here.run(yield());
    again.request_stop();
  }
}

TEST_CASE("stop_requested: without a loop it fails", "[stop_requested]") {
  bool failed = false;
  recorded op(stop_requested());
  std::thread([&] {
    op.start();
    failed = op.done() && !op.result();
  }).join();
  CHECK(failed);
}

TEST_CASE("stop_requested: a race against it can be stopped at each suspension", "[stop_requested][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    const auto work = []() -> task<> {
      for (int i = 0; i < 3; ++i) co_await yield();
    };
    const auto first = co_await when_any(work, stop_requested());
    if (first.index == 1) co_await yield();  // fails: stop was requested
  });
  CHECK(suspensions > 2);
}

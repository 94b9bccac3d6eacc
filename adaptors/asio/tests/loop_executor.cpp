#include "braid/asio/loop_executor.hpp"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "io_thread.hpp"
#include "loop_thread.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

static_assert(asio::execution::is_executor<loop_executor>::value);
static_assert(std::is_constructible_v<asio::any_io_executor, loop_executor>);

TEST_CASE("loop_executor: post runs a function in a later turn, in order", "[asio][loop_executor]") {
  loop home;
  std::string order;
  asio::post(loop_executor(home), [&] {
    order += "1";
    asio::post(loop_executor(home),
               [&, alone = std::make_unique<int>(3)] { order += std::to_string(*alone); });
    asio::defer(loop_executor(home), [&] { order += "4"; });
    order += "2";
  });
  CHECK(order.empty());
  home.run();
  CHECK(order == "1234");
}

TEST_CASE("loop_executor: dispatch runs a function at once while the loop runs", "[asio][loop_executor]") {
  loop home;
  std::string order;
  asio::dispatch(loop_executor(home), [&] {
    order += "2";
    asio::dispatch(loop_executor(home), [&] { order += "3"; });
    order += "4";
  });
  order += "1";  // the loop does not run yet
  home.run();
  CHECK(order == "1234");
}

TEST_CASE("loop_executor: bind_executor, a strand and any_io_executor run on it",
          "[asio][loop_executor][threads]") {
  io_thread other;
  loop home;
  const asio::any_io_executor any = loop_executor(home);
  CHECK(any == asio::any_io_executor(loop_executor(home)));
  CHECK(&asio::query(any, asio::execution::context) ==
        &asio::query(loop_executor(home), asio::execution::context));
  const auto strand = asio::make_strand(loop_executor(home));
  int ran = 0;
  const auto here = [&, id = std::this_thread::get_id()] {
    ran += id == std::this_thread::get_id() ? 1 : 100;
  };
  asio::post(any, here);
  asio::post(strand, [&] {
    here();
    asio::dispatch(strand, here);
  });
  asio::post(other.context, asio::bind_executor(loop_executor(home), here));
  asio::steady_timer timer(other.context, 1ms);
  timer.async_wait(asio::bind_executor(loop_executor(home), [&](error_code) { here(); }));
  home.run();
  CHECK(ran == 5);
}

TEST_CASE("loop_executor: run() waits for timers and for work guards, also of other threads",
          "[asio][loop_executor][threads]") {
  loop home;
  bool over = false;
  asio::steady_timer timer(loop_executor(home), 5ms);
  timer.async_wait([&](error_code code) { over = !code; });
  home.run();
  CHECK(over);

  auto guard = asio::make_work_guard(loop_executor(home));
  CHECK(home.has_work());
  std::atomic<bool> reset{false};
  std::thread ends([&] {
    reset = true;
    guard.reset();
  });
  home.run();
  CHECK(reset);
  ends.join();
  CHECK_FALSE(home.has_work());
}

TEST_CASE("loop_executor: takes functions from many threads", "[asio][loop_executor][threads]") {
  loop home;
  int ran = 0;
  {
    const loop_executor on(home);
    std::vector<std::thread> others;
    for (int n = 0; n < 4; ++n)
      others.emplace_back([&, on, guard = asio::make_work_guard(on)]() mutable {
        for (int each = 0; each < 500; ++each) asio::post(on, [&] { ++ran; });
        guard.reset();
      });
    home.run();
    for (std::thread& each : others) each.join();
    home.run();
  }
  CHECK(ran == 2000);
}

TEST_CASE("loop_executor: a function's exception goes to the unhandled-error handler",
          "[asio][loop_executor]") {
  loop home;
  std::string heard;
  home.on_unhandled_error([&](const error& failure) { heard = failure.message(); });
  asio::post(loop_executor(home), [] { throw std::out_of_range("too far"); });
  home.run();
  CHECK(heard == "too far");
}

TEST_CASE("loop_executor: is made on the loop's own thread", "[asio][loop_executor][threads]") {
  CHECK_THROWS_AS(loop_executor(), std::logic_error);
  loop_thread other;
  CHECK_THROWS_AS(loop_executor(other.there()), std::logic_error);
  std::promise<asio::any_io_executor> made;
  other.there().post([&] { made.set_value(loop_executor()); });
  const asio::any_io_executor on = made.get_future().get();
  std::promise<std::thread::id> ran;
  asio::post(on, [&] { ran.set_value(std::this_thread::get_id()); });
  CHECK(ran.get_future().get() == other.id());
}

TEST_CASE("loop_executor: the loop's end destroys handlers without calling them", "[asio][loop_executor]") {
  bool called = false;
  std::weak_ptr<asio::steady_timer> kept;
  {
    loop home;
    auto timer = std::make_shared<asio::steady_timer>(loop_executor(home), 1h);
    kept = timer;
    timer->async_wait([&, timer](error_code) { called = true; });
    timer.reset();
    home.run(yield());
    CHECK(home.has_work());
    CHECK_FALSE(kept.expired());
  }
  CHECK_FALSE(called);
  CHECK(kept.expired());
}

// Asio's thread learns of the timer's end, and races with the loop's.
TEST_CASE("loop_executor: a timer that ends just before its loop cancels its wait or destroys the handler",
          "[asio][loop_executor]") {
  std::vector<error_code> called;
  std::weak_ptr<int> kept;
  {
    loop home;
    asio::steady_timer timer(loop_executor(home), 1h);
    auto owned = std::make_shared<int>(1);
    kept = owned;
    timer.async_wait([&, owned = std::move(owned)](error_code ended) { called.push_back(ended); });
    home.run(yield());
  }
  CHECK(called.size() <= 1);
  for (const error_code& each : called) CHECK(each == asio::error::operation_aborted);
  CHECK(kept.expired());
}

TEST_CASE("loop_executor: a function that posts itself does not keep the loop from its end",
          "[asio][loop_executor]") {
  struct again {
    loop_executor on;
    void operator()() const { asio::post(on, *this); }
  };
  loop home;
  asio::post(loop_executor(home), again{loop_executor(home)});
  home.run(yield());
  CHECK(home.has_work());
}

#ifdef BOOST_ASIO_HAS_CO_AWAIT
TEST_CASE("loop_executor: runs Asio's coroutines", "[asio][loop_executor]") {
  loop home;
  std::vector<std::thread::id> steps;
  const auto work = [&]() -> asio::awaitable<void> {
    steps.push_back(std::this_thread::get_id());
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    steps.push_back(std::this_thread::get_id());
  };
  asio::co_spawn(loop_executor(home), work, asio::detached);
  home.run();
  CHECK(steps == std::vector(2, std::this_thread::get_id()));
}
#endif

#include "braid/asio/start_on.hpp"

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "braid/asio/use_braid.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "io_thread.hpp"
#include "loop_thread.hpp"

#if BRAID_ASIO_HAS_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#endif

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

task<std::string> page(std::string name) {
  co_await sleep_for(1ms);
  if (name == "none") throw std::out_of_range("no such page");
  co_return "page " + name;
}

}  // namespace

TEST_CASE("start_on: gives the value or the error to any token", "[asio][start_on][threads]") {
  std::optional<loop_thread> other(std::in_place);
  CHECK(start_on(other->there(), page("1"), asio::use_future).get() == "page 1");
  CHECK(start_on(other->there(), [] { return page("2"); }, asio::use_future).get() == "page 2");
  CHECK_THROWS_AS(start_on(other->there(), page("none"), asio::use_future).get(), std::out_of_range);
  CHECK_NOTHROW(start_on(other->there(), sleep_for(1ms), asio::use_future).get());
  CHECK(
      *start_on(other->there(), [] { return just(std::make_unique<int>(3)); }, asio::use_future).get() == 3);
  auto refused = start_on(
      other->there(), [] { return just_error<int>(error(std::make_error_code(std::errc::io_error), "ask")); },
      asio::use_future);
  refused.wait();
  other.reset();  // ThreadSanitizer does not see how the library counts the users of an exception
  try {
    refused.get();
    CHECK(false);
  } catch (const std::system_error& failure) {
    CHECK(failure.code() == std::errc::io_error);
    CHECK(std::string(failure.what()) == "ask: Input/output error");
  }
}

TEST_CASE("start_on: a handler runs on its executor, else on the loop", "[asio][start_on][threads]") {
  io_thread third;
  loop_thread other;
  std::promise<std::thread::id> ran;
  const auto handler = [&](const std::exception_ptr&, const std::string&) {
    ran.set_value(std::this_thread::get_id());
  };
  SECTION("its own") {
    start_on(other.there(), page("1"), asio::bind_executor(third.context.get_executor(), handler));
    CHECK(ran.get_future().get() == third.id());
  }
  SECTION("none") {
    start_on(other.there(), page("1"), handler);
    CHECK(ran.get_future().get() == other.id());
  }
}

TEST_CASE("start_on: keeps the handler's io_context running", "[asio][start_on][threads]") {
  asio::io_context context;
  loop_thread other;
  std::string got;
  start_on(other.there(), page("1"),
           asio::bind_executor(context.get_executor(),
                               [&](const std::exception_ptr&, std::string text) { got = std::move(text); }));
  context.run();
  CHECK(got == "page 1");
}

TEST_CASE("start_on: never calls the handler within the call", "[asio][start_on]") {
  loop home;
  bool ended = false;
  start_on(home, just(1), [&](const std::exception_ptr&, int) { ended = true; });
  CHECK_FALSE(ended);
  home.run();
  CHECK(ended);
}

TEST_CASE("start_on: with use_braid it waits for an operation of another loop, in every style",
          "[asio][start_on][threads]") {
  IN_EVERY_STYLE(style);
  loop_thread other;
  loop home;
  CHECK(style.wait(start_on(other.there(), [] { return page("1"); }, use_braid)).value() == "page 1");
  CHECK_THROWS_AS(
      style.wait(start_on(other.there(), [] { return page("none"); }, use_braid)).value(), std::out_of_range);
}

TEST_CASE("start_on: an ended loop, an ending one and an operation that is abandoned cancel it",
          "[asio][start_on][threads]") {
  // Each handler looks at its own exception, for ThreadSanitizer's sake.
  std::array<std::promise<bool>, 4> cancelled;
  const auto handler = [&](std::size_t which) {
    return [&at = cancelled[which]](const std::exception_ptr& why) {
      at.set_value(why && error(why) == std::errc::operation_canceled);
    };
  };
  std::optional<loop> home(std::in_place);
  loop* const gone = &*home;
  promise<void> never;
  const auto waits_for_never = [&]() -> task<> {
    auto waits = never.get_future();
    co_await std::move(waits);
  };
  start_on(*home, sleep_for(1h), handler(0));
  start_on(*home, waits_for_never, handler(1));  // is abandoned
  home->run(yield());
  start_on(*home, sleep_for(1h), handler(2));  // is too late
  home.reset();
  start_on(*gone, sleep_for(1h), handler(3));
  for (std::promise<bool>& each : cancelled) CHECK(each.get_future().get());
}

#if BRAID_ASIO_HAS_SLOTS
TEST_CASE("start_on: the handler's cancellation slot stops the operation", "[asio][start_on][threads]") {
  loop_thread other;
  asio::cancellation_signal signal;
  std::promise<std::exception_ptr> ended;
  start_on(
      other.there(), sleep_for(1h),
      asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr why) { ended.set_value(why); }));
  signal.emit(asio::cancellation_type::terminal);
  CHECK(error(ended.get_future().get()) == std::errc::operation_canceled);
}

TEST_CASE("start_on: with use_braid a stop request passes from loop to loop", "[asio][start_on][threads]") {
  IN_EVERY_STYLE(style);
  loop_thread other;
  loop home;
  CHECK(style.wait(with_timeout(start_on(other.there(), sleep_for(1h), use_braid), 1ms)).error() ==
        std::errc::timed_out);
}
#endif

TEST_CASE("start_on: is cancelled at every await", "[asio][start_on]") {
  // An executor that has no memory for the handler destroys it, which is a cancellation.
  CHECK(every_cancellation_with_memory([]() -> task<> {
          const auto twice = []() -> task<int> {
            co_await yield();
            co_await yield();
            co_return 2;
          };
          (void)co_await start_on(loop::current(), twice, use_braid);
        }) > 0);
}

#ifdef BOOST_ASIO_HAS_CO_AWAIT
TEST_CASE("start_on: a coroutine of Asio awaits it on its own thread", "[asio][start_on][threads]") {
  io_thread third;
  loop_thread other;
  std::thread::id resumed_on;
  const auto two_pages = [&]() -> asio::awaitable<std::string> {
    std::string both = co_await start_on(other.there(), [] { return page("1"); }, asio::use_awaitable);
    resumed_on = std::this_thread::get_id();
    both += co_await start_on(other.there(), [] { return page("2"); }, asio::use_awaitable);
    co_return both;
  };
  CHECK(asio::co_spawn(third.context, two_pages(), asio::use_future).get() == "page 1page 2");
  CHECK(resumed_on == third.id());
}
#endif

// An operation with use_braid that is stopped, or whose loop ends.

#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/asio/use_braid.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "io_thread.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

TEST_CASE("use_braid: stopped before it begins, it never begins", "[asio][use_braid]") {
  loop home;
  bool begun = false;
  stop_source source;
  source.request_stop();
  const use_braid_t token{};
  recorded op(asio::async_initiate<const use_braid_t, void()>([&](auto) { begun = true; }, token),
              source.get_token());
  op.start();
  home.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK_FALSE(begun);
}

TEST_CASE("use_braid: on_stop is called once, on the loop's thread, and the operation ends when Asio says so",
          "[asio][use_braid][threads]") {
  io_thread other;
  loop home;
  const bool on_the_loop = GENERATE(true, false);
  CAPTURE(on_the_loop);
  const asio::any_io_executor on =
      on_the_loop ? asio::any_io_executor(loop_executor(home)) : other.context.get_executor();
  asio::steady_timer timer(on, 1h);
  std::vector<std::thread::id> called_on;
  stop_source source;
  recorded op(timer.async_wait(use_braid.on_stop([&] {
    called_on.push_back(std::this_thread::get_id());
    timer.cancel();
  })),
              source.get_token());
  op.start();
  std::thread stops([&] { source.request_stop(); });
  home.run();
  stops.join();
  CHECK(op.heard.times == 1);
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(called_on == std::vector{std::this_thread::get_id()});
}

TEST_CASE("use_braid: an operation that was faster than the stop request keeps its value",
          "[asio][use_braid]") {
  loop home;
  std::optional<braid::detail::braid_handler<int>> kept;
  stop_source source;
  auto token = use_braid.on_stop([] {});
  recorded op(asio::async_initiate<decltype(token), void(error_code, int)>(
                  [&](auto handler) { kept.emplace(std::move(handler)); }, token),
              source.get_token());
  op.start();
  source.request_stop();
  home.turn(false);
  CHECK_FALSE(op.done());
  (*kept)(error_code(), 3);
  home.run();
  CHECK(op.result().value() == 3);
}

TEST_CASE("use_braid: a stop request cancels this operation alone, or lets it end where Boost cannot do so",
          "[asio][use_braid][threads]") {
  io_thread other;
  loop home;
  const bool on_the_loop = GENERATE(true, false);
  CAPTURE(on_the_loop);
  const asio::any_io_executor on =
      on_the_loop ? asio::any_io_executor(loop_executor(home)) : other.context.get_executor();
  asio::steady_timer timer(on, 1h);
  stop_source source;
  recorded op(timer.async_wait(use_braid), source.get_token());
  op.start();
  auto second = spawn(timer.async_wait(use_braid));
  source.request_stop();
#if BRAID_ASIO_HAS_SLOTS
  while (!op.done()) home.turn(true);
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK_FALSE(second.is_ready());
#endif
  timer.cancel();
  CHECK(home.run(as_result(std::move(second))).error() == std::errc::operation_canceled);
  home.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
}

#if BRAID_ASIO_HAS_SLOTS
TEST_CASE("use_braid: a timeout of a read leaves the socket usable, in every style",
          "[asio][use_braid][threads]") {
  IN_EVERY_STYLE(style);
  io_thread other;
  loop home;
  const bool on_the_loop = GENERATE(true, false);
  CAPTURE(on_the_loop);
  const asio::any_io_executor on =
      on_the_loop ? asio::any_io_executor(loop_executor(home)) : other.context.get_executor();
  socket_pair pair(on);
  char bytes[3];
  CHECK(style.wait(with_timeout(asio::async_read(pair.here, asio::buffer(bytes), use_braid), 1ms)).error() ==
        std::errc::timed_out);
  asio::write(pair.there, asio::buffer("abc", 3));
  CHECK(style.wait(asio::async_read(pair.here, asio::buffer(bytes), use_braid)).value() == 3);
}
#endif

TEST_CASE("use_braid: the loop's end ends what waits on its executor, also in coroutines that own the socket",
          "[asio][use_braid]") {
  std::optional<result<std::size_t>> ended;
  bool timer_ended = false;
  {
    loop home;
    const auto waits_for_ever = [&]() -> task<> {
      socket_pair pair{loop_executor()};
      std::string text(4, ' ');
      ended = co_await as_result(asio::async_read(pair.here, asio::buffer(text), use_braid));
    };
    const auto owns_a_timer = [&]() -> task<> {
      asio::steady_timer timer(loop_executor{}, 1h);
      promise<void> never;
      auto waits = never.get_future();
      timer.async_wait([&](error_code) { timer_ended = true; });
      co_await std::move(waits);
    };
    detach(waits_for_ever);
    detach(owns_a_timer);
    home.run(yield());
    CHECK_FALSE(ended);
  }
  REQUIRE(ended);
  CHECK(ended->error() == std::errc::operation_canceled);
  CHECK_FALSE(timer_ended);  // destroyed without a call
}

TEST_CASE("use_braid: the loop's end stops an operation of an io_context and waits for it",
          "[asio][use_braid][threads]") {
  io_thread other;
  asio::steady_timer timer(other.context, 1h);
  std::optional<result<void>> ended;
  {
    loop home;
    start(timer.async_wait(use_braid.on_stop([&] { timer.cancel(); })),
          [&](result<void> with) { ended = with; });
    home.run(yield());
    CHECK_FALSE(ended);
  }
  REQUIRE(ended);
  CHECK(ended->error() == std::errc::operation_canceled);
}

TEST_CASE("use_braid: is cancelled at every await, on the loop's executor", "[asio][use_braid]") {
  // asio::post allocates again in a later turn, and without memory loses its handler there.
  const auto turn = [](const auto& token) {
    return asio::async_initiate<decltype(token), void()>(
        [](auto handler) {
          handler.get_executor().require(asio::execution::blocking.never).execute(std::move(handler));
        },
        token);
  };
  CHECK(every_cancellation([turn]() -> task<> {
          co_await turn(use_braid);
          co_await when_any(turn(use_braid.on_stop([] {})), yield());
          co_await turn(use_braid);
        }) > 0);
}

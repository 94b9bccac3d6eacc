#include "braid/asio/use_braid.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/when_all.hpp"
#include "catch.hpp"
#include "every_style.hpp"
#include "io_thread.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// An operation of Asio that begins by begin(handler).
template <class Signature, class Begin>
auto operation(Begin begin) {
  const use_braid_t token{};
  return asio::async_initiate<const use_braid_t, Signature>(
      [begin = std::move(begin)](auto handler) mutable { begin(std::move(handler)); }, token);
}
/// One that completes with `values`, through the handler's executor, as every operation of Asio does.
template <class Signature, class... Values>
auto completes_with(Values... values) {
  return operation<Signature>([kept = std::tuple(std::move(values)...)](auto handler) mutable {
    const auto on = asio::get_associated_executor(handler);
    asio::post(on, [handler = std::move(handler), kept = std::move(kept)]() mutable {
      std::apply([&](auto&... each) { std::move(handler)(std::move(each)...); }, kept);
    });
  });
}

}  // namespace

TEST_CASE("use_braid: the value of the signature, in every style", "[asio][use_braid]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(completes_with<void()>()));
  CHECK(style.wait(completes_with<void(int)>(3)).value() == 3);
  CHECK(style.wait(completes_with<void(error_code)>(error_code())));
  CHECK(*style
             .wait(completes_with<void(error_code, std::unique_ptr<int>)>(error_code(),
                                                                          std::make_unique<int>(4)))
             .value() == 4);
  CHECK(style.wait(completes_with<void(error_code, int, std::string)>(error_code(), 5, "five")).value() ==
        std::tuple(5, "five"));
  CHECK(style.wait(completes_with<void(std::exception_ptr, int)>(std::exception_ptr(), 6)).value() == 6);
  CHECK(style.wait(completes_with<void(std::error_code, const std::string&)>(std::error_code(), "seven"))
            .value() == "seven");
}

TEST_CASE("use_braid: an error keeps its code, in every style", "[asio][use_braid]") {
  IN_EVERY_STYLE(style);
  loop home;
  const auto fails = [&](auto code) {
    return style.wait(completes_with<void(decltype(code))>(code)).error();
  };
  CHECK(fails(asio::error::make_error_code(asio::error::connection_refused)) ==
        std::errc::connection_refused);
  CHECK(fails(asio::error::make_error_code(asio::error::operation_aborted)) == std::errc::operation_canceled);
  CHECK(fails(asio::error::make_error_code(asio::error::eof)).code() == error_code(asio::error::eof));
  CHECK(fails(std::make_error_code(std::errc::io_error)) == std::errc::io_error);
  const auto thrown = style.wait(
      completes_with<void(std::exception_ptr, int)>(std::make_exception_ptr(std::out_of_range("seven")), 0));
  CHECK_THROWS_AS(thrown.value(), std::out_of_range);

  const auto half = style.wait(completes_with<void(error_code, std::size_t)>(
      error_code(asio::error::connection_reset), std::size_t{7}));
  CHECK(half.error().transferred() == 7);
}

TEST_CASE("use_braid: an error names Asio's call, or use_braid", "[asio][use_braid]") {
  loop home;
  asio::steady_timer timer(loop_executor(home), 1h);
  auto waiting = spawn(timer.async_wait(use_braid));
  home.post([&] { timer.cancel(); });
  CHECK(home.run(as_result(std::move(waiting))).error().message() == "async_wait: Operation canceled");

  socket_pair pair{loop_executor(home)};
  pair.there.close();
  char bytes[4];
  CHECK(home.run(as_result(asio::async_read(pair.here, asio::buffer(bytes), use_braid))).error().message() ==
        "async_read: End of file");
  const error_code broken(EPIPE, boost::system::system_category());
  CHECK(home.run(as_result(completes_with<void(error_code)>(broken))).error().message() ==
        "use_braid: Broken pipe");
}

TEST_CASE("use_braid: transfers on an io_context's thread and on the loop, in every style",
          "[asio][use_braid]") {
  IN_EVERY_STYLE(style);
  io_thread other;
  loop home;
  const bool on_the_loop = GENERATE(true, false);
  CAPTURE(on_the_loop);
  const asio::any_io_executor on =
      on_the_loop ? asio::any_io_executor(loop_executor(home)) : other.context.get_executor();
  socket_pair pair(on);
  std::string text(5, ' ');
  CHECK(style.wait(asio::async_write(pair.here, asio::buffer("hello"), use_braid)).value() == 6);
  CHECK(style.wait(pair.there.async_read_some(asio::buffer(text), use_braid)).value() == 5);
  CHECK(text == "hello");
  // A read of two parts, the second of which is written while it waits.
  text.resize(3);
  home.post([&] { asio::write(pair.here, asio::buffer("two", 3)); });
  CHECK(style.wait(asio::async_read(pair.there, asio::buffer(text), use_braid)).value() == 3);
  CHECK(text == std::string("\0tw", 3));
  pair.here.close();
  const auto ended = style.wait(asio::async_read(pair.there, asio::buffer(text), use_braid));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code() == error_code(asio::error::eof));
  CHECK(ended.error().transferred() == 1);
}

TEST_CASE("use_braid: nothing begins before the sender is awaited", "[asio][use_braid]") {
  loop home;
  int begun = 0;
  {
    auto op = operation<void()>([&](auto handler) {
      ++begun;
      asio::post(loop_executor(home), std::move(handler));
    });
    home.run();
    CHECK(begun == 0);
    home.run(std::move(op));
    CHECK(begun == 1);
    (void)operation<void()>([&](auto) { ++begun; });
  }
  CHECK(begun == 1);
}

TEST_CASE("use_braid: ends on the loop's thread, and the loop waits for it", "[asio][use_braid][threads]") {
  io_thread other;
  loop home;
  std::optional<std::thread::id> ended_on;
  asio::steady_timer timer(other.context, 1ms);
  start(timer.async_wait(use_braid), [&](result<void>) { ended_on = std::this_thread::get_id(); });
  CHECK_FALSE(ended_on);
  home.run();
  CHECK(ended_on == std::this_thread::get_id());
}

TEST_CASE("use_braid: the steps of a composed operation run on the loop's thread",
          "[asio][use_braid][threads]") {
  io_thread other;
  loop home;
  asio::steady_timer timer(other.context);
  std::vector<std::thread::id> steps;
  const use_braid_t token{};
  auto op = asio::async_compose<const use_braid_t, void(error_code, int)>(
      [&, n = 0](auto& self, error_code code = {}) mutable {
        steps.push_back(std::this_thread::get_id());
        if (code || n == 3) return self.complete(code, n);
        ++n;
        timer.expires_after(1ms);
        timer.async_wait(std::move(self));
      },
      token, timer);
  CHECK(home.run(std::move(op)) == 3);
  CHECK(steps == std::vector(4, std::this_thread::get_id()));
}

TEST_CASE("use_braid: an operation that completes within its beginning ends in a later turn",
          "[asio][use_braid]") {
  loop home;
  bool ended = false;
  start(operation<void(int)>([](auto handler) { std::move(handler)(3); }),
        [&](result<int>) { ended = true; });
  CHECK_FALSE(ended);
  home.run();
  CHECK(ended);
}

TEST_CASE("use_braid: what the beginning throws is the operation's error, in every style",
          "[asio][use_braid]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK_THROWS_AS(style.wait(operation<void()>([](auto) { throw std::out_of_range("no"); })).value(),
                  std::out_of_range);
}

TEST_CASE("use_braid: a handler that is destroyed without a call ends the operation as cancelled",
          "[asio][use_braid][threads]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(operation<void(int)>([](auto) {})).error() == std::errc::operation_canceled);

  std::optional<asio::io_context> context(std::in_place);  // no thread runs it
  std::optional<asio::steady_timer> timer(std::in_place, *context, 1h);
  home.post([&] { timer.reset(), context.reset(); });
  CHECK(style.wait(timer->async_wait(use_braid)).error() == std::errc::operation_canceled);

  context.emplace();
  std::thread other;
  CHECK(style
            .wait(operation<void()>([&](auto handler) {
              asio::post(*context, std::move(handler));
              other = std::thread([&] { context.reset(); });
            }))
            .error() == std::errc::operation_canceled);
  other.join();
}

TEST_CASE("use_braid: many operations on many threads", "[asio][use_braid][threads]") {
  io_thread others(3);
  loop home;
  std::vector<int> numbers(300);
  for (std::size_t n = 0; n < numbers.size(); ++n) numbers[n] = static_cast<int>(n);
  const auto doubled = home.run(map_concurrent(numbers, 20, [&](int n) -> task<int> {
    co_await asio::post(others.context, use_braid);
    asio::steady_timer timer(others.context, std::chrono::microseconds(n % 7));
    co_await timer.async_wait(use_braid);
    co_return 2 * n;
  }));
  for (std::size_t n = 0; n < numbers.size(); ++n) CHECK(doubled[n] == 2 * numbers[n]);
}

#ifdef BOOST_ASIO_HAS_CO_AWAIT
TEST_CASE("use_braid: waits for a coroutine of Asio, in every style", "[asio][use_braid]") {
  IN_EVERY_STYLE(style);
  io_thread other;
  loop home;
  const auto answer = [](bool fails) -> asio::awaitable<int> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    if (fails) throw std::out_of_range("no answer");
    co_return 42;
  };
  CHECK(style.wait(asio::co_spawn(other.context, answer(false), use_braid)).value() == 42);
  CHECK(style.wait(asio::co_spawn(loop_executor(home), answer(false), use_braid)).value() == 42);
  CHECK_THROWS_AS(style.wait(asio::co_spawn(other.context, answer(true), use_braid)).value(),
                  std::out_of_range);
}
#endif
